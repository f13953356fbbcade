"""What a distributed Map needs: executions of its own machine, its items, its results.

https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from byoa.plan.workflow.needs import Need, Scope
from byoa.plan.workflow.patterns import ANY
from byoa.plan.workflow.values import template, texts
from byoa.plan.workflow.walk import Place


def of_map(place: Place, scope: Scope) -> Iterator[Need]:
    """A distributed Map starts executions of its own machine, reads its items, writes results."""
    processor = place.state.get("ItemProcessor")
    config = processor.get("ProcessorConfig") if isinstance(processor, Mapping) else None
    if not isinstance(config, Mapping) or config.get("Mode") != "DISTRIBUTED":
        return
    yield Need("states:StartExecution", scope.arn("states", f"stateMachine:{scope.name}"))
    for action in ("DescribeExecution", "RedriveExecution", "StopExecution"):
        runs = f"execution:{scope.name}/*" if scope.name != ANY else "execution:*"
        yield Need(f"states:{action}", scope.arn("states", runs))
    yield from _objects(place, "ItemReader", ("s3:GetObject",), scope)
    written = ("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts")
    yield from _objects(place, "ResultWriter", ("s3:PutObject", *written), scope)


def _objects(place: Place, key: str, actions: tuple[str, ...], scope: Scope) -> Iterator[Need]:
    body = place.state.get(key)
    if not isinstance(body, Mapping) or not body.get("Resource"):
        return
    given = template(body.get("Parameters", body.get("Arguments", {})), {}, place.language)
    for bucket in texts(given, "Bucket") or [ANY]:
        if str(body["Resource"]).endswith(":listObjectsV2"):
            yield Need("s3:ListBucket", scope.arn("s3", bucket))
            continue
        prefixes = texts(given, "Key") or [
            f"{one.rstrip('/')}/*" if one != ANY else ANY for one in texts(given, "Prefix") or [ANY]
        ]
        for name in prefixes:
            for action in actions:
                yield Need(action, scope.arn("s3", f"{bucket}/{name}"))
