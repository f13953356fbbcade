"""Writes byoa/plan/shapes.json: the limits of every request that byoa makes, out of botocore.

`python tests/byoa/plan/shapes_from_botocore.py` after a new boto3 was locked.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[3] / "byoa/plan/shapes.json"
OPERATIONS = {
    "sagemaker": (
        "CreateTrainingJob",
        "CreateProcessingJob",
        "CreateTransformJob",
        "CreateHyperParameterTuningJob",
        "CreateModel",
        "CreateEndpointConfig",
        "CreateEndpoint",
        "UpdateEndpoint",
    ),
    "ecr": (
        "CreateRepository",
        "PutLifecyclePolicy",
        "PutImageScanningConfiguration",
        "SetRepositoryPolicy",
    ),
    "codebuild": ("CreateProject", "UpdateProject", "StartBuild"),
    "iam": ("CreateRole", "PutRolePolicy", "UpdateAssumeRolePolicy"),
    "batch": ("CreateComputeEnvironment", "CreateJobQueue", "RegisterJobDefinition", "SubmitJob"),
    "s3": (
        "CreateBucket",
        "PutBucketEncryption",
        "PutPublicAccessBlock",
        "PutBucketVersioning",
        "PutBucketTagging",
        "PutBucketLifecycleConfiguration",
    ),
    "application-autoscaling": ("RegisterScalableTarget", "PutScalingPolicy"),
    "cloudwatch": ("PutMetricAlarm",),
}

#: The pages' patterns are Java's; these are the parts that Python writes otherwise.
SEPARATORS = r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
AS_PYTHON = (
    (r"\p{L}\p{Z}\p{N}_", r"\w" + SEPARATORS),
    (r"\p{Alnum}", "a-zA-Z0-9"),
    (r"\p{Print}", r"[\x20-\x7e]"),
    # all of XML's characters; the surrogate pairs of Java are one character here
    (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF", r"[ -\ud7ff\ue000-\U0010ffff"),
)


def shapes() -> dict[str, Any]:
    """The shapes of every operation's input, by service and name, with nothing but the limits."""
    import botocore
    import botocore.session

    session = botocore.session.get_session()
    made: dict[str, Any] = {"source": f"botocore {botocore.__version__}'s service models"}
    for service, operations in OPERATIONS.items():
        model = session.get_service_model(service)
        table: dict[str, Any] = {}
        inputs = {}
        for operation in operations:
            shape = model.operation_model(operation).input_shape
            inputs[operation] = shape.name
            add(shape, table)
        made[service] = {"operations": inputs, "shapes": dict(sorted(table.items()))}
    return made


def add(shape: Any, table: dict[str, Any]) -> str:
    if shape.name in table:
        return str(shape.name)
    entry: dict[str, Any] = {"type": shape.type_name}
    table[shape.name] = entry
    entry |= {key: shape.metadata[key] for key in ("min", "max", "enum") if key in shape.metadata}
    if "pattern" in shape.metadata:
        entry["pattern"] = as_python(shape.metadata["pattern"])
    if shape.type_name == "structure":
        entry["members"] = {name: add(member, table) for name, member in shape.members.items()}
        if shape.required_members:
            entry["required"] = shape.required_members
    elif shape.type_name == "list":
        entry["of"] = add(shape.member, table)
    elif shape.type_name == "map":
        entry["key"], entry["of"] = add(shape.key, table), add(shape.value, table)
    return str(shape.name)


def as_python(pattern: str) -> str:
    for java, python in AS_PYTHON:
        pattern = pattern.replace(java, python)
    return pattern


def as_text() -> str:
    """One shape a line, so that a new boto3 is a diff that one can read."""
    lines = []
    for key, value in shapes().items():
        if key == "source":
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
            continue
        inner = ",\n".join(
            f"   {json.dumps(name)}: {json.dumps(shape)}" for name, shape in value["shapes"].items()
        )
        lines.append(
            f" {json.dumps(key)}: {{\n  "
            f'"operations": {json.dumps(value["operations"])},\n  "shapes": {{\n{inner}\n  }}\n }}'
        )
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TARGET.write_text(as_text(), encoding="utf-8")
