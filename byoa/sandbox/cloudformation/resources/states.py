"""Step Functions: state machines, their definition in the template or in S3."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from byoa.sandbox.cloudformation.functions import shown
from byoa.sandbox.cloudformation.kinds import (
    Aws,
    Kind,
    Props,
    forgiving,
    gone,
    present,
    small,
    words,
)

HOLE = re.compile(r"\$\{([a-zA-Z0-9_]+)\}")


def arn_of(aws: Aws, name: str) -> str:
    return f"arn:aws:states:{aws.region}:{aws.account}:stateMachine:{name}"


def definition(aws: Aws, props: Props) -> str:
    """The definition's text, with the template's substitutions made."""
    given = [
        key for key in ("Definition", "DefinitionString", "DefinitionS3Location") if key in props
    ]
    if len(given) != 1:
        raise ValueError("one of Definition, DefinitionString, DefinitionS3Location is needed")
    value = props[given[0]]
    if given == ["DefinitionS3Location"]:
        where = {"Bucket": value["Bucket"], "Key": value["Key"]}
        version = {"VersionId": value["Version"]} if "Version" in value else {}
        value = aws.client("s3").get_object(**where, **version)["Body"].read().decode()
        if not value.lstrip().startswith("{"):
            import yaml

            value = json.dumps(yaml.safe_load(value))
    text = value if isinstance(value, str) else json.dumps(value)
    known = props.get("DefinitionSubstitutions") or {}
    unused = sorted(set(known) - set(HOLE.findall(text)))
    if unused:
        raise ValueError(
            f"Invalid State Machine Definition: DefinitionSubstitutions {unused[0]} is not used"
        )
    return HOLE.sub(lambda hole: inside(known[hole[1]]) if hole[1] in known else hole[0], text)


def inside(value: Any) -> str:
    """As the inside of a JSON text."""
    return json.dumps(shown(value))[1:-1]


def logging(props: Props) -> Any:
    """Destinations as the API spells them."""
    return small(props["LoggingConfiguration"]) if "LoggingConfiguration" in props else None


def tags(props: Props) -> list[dict[str, str]] | None:
    return [small(tag) for tag in props.get("Tags") or []] or None


#: What was deployed: the object that it came from may be gone when somebody asks for drift.
DEPLOYED: dict[str, str] = {}


def create(aws: Aws, name: str, props: Props) -> str:
    text = definition(aws, props)
    tracing = props.get("TracingConfiguration")
    made = aws.client("stepfunctions").create_state_machine(
        name=name,
        definition=text,
        roleArn=props["RoleArn"],
        **present(
            type=props.get("StateMachineType"),
            loggingConfiguration=logging(props),
            tracingConfiguration=small(tracing) if tracing else None,
            tags=tags(props),
        ),
    )
    DEPLOYED[str(made["stateMachineArn"])] = text
    return str(made["stateMachineArn"])


def update(aws: Aws, arn: str, before: Props, after: Props) -> None:
    client, text = aws.client("stepfunctions"), definition(aws, after)
    DEPLOYED[arn] = text
    client.update_state_machine(
        stateMachineArn=arn,
        definition=text,
        roleArn=after["RoleArn"],
        **present(loggingConfiguration=logging(after)),
    )
    wanted = tags(after) or []
    kept = {tag["key"] for tag in wanted}
    lost = sorted({tag["key"] for tag in tags(before) or []} - kept)
    if lost:
        client.untag_resource(resourceArn=arn, tagKeys=lost)
    if wanted:
        client.tag_resource(resourceArn=arn, tags=wanted)


def delete(aws: Aws, arn: str, props: Props) -> None:
    forgiving(aws.client("stepfunctions").delete_state_machine, stateMachineArn=arn)


def attributes(aws: Aws, arn: str, props: Props) -> Mapping[str, Any]:
    found = aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    revision = found.get("revisionId", "INITIAL")
    return {"Arn": arn, "Name": found["name"], "StateMachineRevisionId": revision}


def live(aws: Aws, arn: str, props: Props) -> Props | None:
    try:
        found = aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    except Exception as error:
        if gone(error):
            return None
        raise
    key = next(name for name in props if name.startswith("Definition") and name[-5:] != "tions")
    wanted = DEPLOYED.get(arn) or found["definition"]
    same = json.loads(found["definition"]) == json.loads(wanted)
    return {"RoleArn": found["roleArn"], key: props[key] if same else found["definition"]}


KINDS = {
    "AWS::StepFunctions::StateMachine": Kind(
        create,
        delete,
        update,
        attributes,
        live,
        words(
            "StateMachineName StateMachineType Definition DefinitionString DefinitionS3Location "
            "DefinitionSubstitutions RoleArn LoggingConfiguration TracingConfiguration Tags"
        ),
        name="StateMachineName",
        longest=80,
        identity=arn_of,
    ),
}
