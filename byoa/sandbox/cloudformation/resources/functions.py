"""Lambda: functions, from S3 or written in the template, and who may call them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from byoa.sandbox.cloudformation.kinds import (
    Aws,
    Kind,
    Props,
    forgiving,
    gone,
    or_else,
    present,
    tag_map,
    words,
)

#: Code written in the template: index.py, at most this much.
MOST_INLINE = 4 * 1024 * 1024
SETTINGS = (
    "Description", "Environment", "Handler", "KmsKeyArn", "Layers", "MemorySize", "Role",
    "Runtime", "Timeout", "VpcConfig", "DeadLetterConfig", "TracingConfig", "EphemeralStorage",
    "ImageConfig", "LoggingConfig", "SnapStart", "FileSystemConfigs",
)  # fmt: skip


#: Settings that Lambda completes with defaults of its own.
DEFAULTED = {"LoggingConfig", "TracingConfig", "EphemeralStorage", "SnapStart", "ImageConfig"}


def create(aws: Aws, name: str, props: Props) -> str:
    settings = {key: props[key] for key in (*SETTINGS, "PackageType", "Architectures")
                if key in props}  # fmt: skip
    aws.client("lambda").create_function(
        FunctionName=name,
        Code=code(props["Code"]),
        **renamed(settings),
        **present(Tags=tag_map(props) or None),
    )
    with or_else(delete, aws, name, props):
        concurrency(aws, name, {}, props)
        deployed(aws, name)
    return name


#: The hash of the code that was deployed: its archive may be gone when somebody asks for drift.
DEPLOYED: dict[str, str] = {}


def deployed(aws: Aws, name: str) -> None:
    found = aws.client("lambda").get_function_configuration(FunctionName=name)
    DEPLOYED[found["FunctionArn"]] = found["CodeSha256"]


def renamed(settings: dict[str, Any]) -> dict[str, Any]:
    """The API spells one of them otherwise."""
    if "KmsKeyArn" in settings:
        settings["KMSKeyArn"] = settings.pop("KmsKeyArn")
    return settings


def code(given: Mapping[str, Any]) -> dict[str, Any]:
    if "ZipFile" not in given:
        return dict(given)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("index.py", given["ZipFile"])
    return {"ZipFile": data.getvalue()}


def concurrency(aws: Aws, name: str, before: Props, after: Props) -> None:
    key, client = "ReservedConcurrentExecutions", aws.client("lambda")
    if key in after and before.get(key) != after[key]:
        client.put_function_concurrency(FunctionName=name, **{key: after[key]})
    elif key in before and key not in after:
        client.delete_function_concurrency(FunctionName=name)


def update(aws: Aws, name: str, before: Props, after: Props) -> None:
    client = aws.client("lambda")
    if before["Code"] != after["Code"]:
        client.update_function_code(FunctionName=name, **code(after["Code"]))
        deployed(aws, name)
    empty = {"Description": "", "Environment": {"Variables": {}}, "Layers": [],
             "MemorySize": 128, "Timeout": 3}  # fmt: skip
    changed = {
        key: after.get(key, empty.get(key)) for key in SETTINGS if before.get(key) != after.get(key)
    }
    if changed:
        client.update_function_configuration(FunctionName=name, **renamed(present(**changed)))
    concurrency(aws, name, before, after)
    arn = attributes(aws, name, after)["Arn"]
    lost = sorted(tag_map(before).keys() - tag_map(after).keys())
    if lost:
        client.untag_resource(Resource=arn, TagKeys=lost)
    if tag_map(after):
        client.tag_resource(Resource=arn, Tags=tag_map(after))


def delete(aws: Aws, name: str, props: Props) -> None:
    forgiving(aws.client("lambda").delete_function, FunctionName=name)


def attributes(aws: Aws, name: str, props: Props) -> Mapping[str, Any]:
    return {"Arn": f"arn:aws:lambda:{aws.region}:{aws.account}:function:{name}"}


def live(aws: Aws, name: str, props: Props) -> Props | None:
    """The settings as they are; code that is no longer the template's is shown by its hash."""
    client = aws.client("lambda")
    try:
        found = client.get_function_configuration(FunctionName=name)
    except Exception as error:
        if gone(error):
            return None
        raise
    now = {key: found[key] for key in SETTINGS if found.get(key) not in (None, [], {}, "")}
    now.pop("Layers", None)
    for key in DEFAULTED & now.keys() & props.keys():  # what the template leaves to Lambda
        now[key] = {name: now[key][name] for name in props[key] if name in now[key]}
    wanted = DEPLOYED.get(found["FunctionArn"], found["CodeSha256"])
    same = wanted == found["CodeSha256"]
    now["Code"] = props["Code"] if same else {"CodeSha256": found["CodeSha256"]}
    return now


def permit(aws: Aws, name: str, props: Props) -> str:
    given = {key: props[key] for key in PERMISSION if key in props}
    aws.client("lambda").add_permission(StatementId=name, **given)
    return name


def forbid(aws: Aws, identity: str, props: Props) -> None:
    remove = aws.client("lambda").remove_permission
    forgiving(remove, FunctionName=props["FunctionName"], StatementId=identity)


def put_invoke_config(aws: Aws, name: str, props: Props) -> str:
    given = {key: props[key] for key in INVOKE_CONFIG - {"Qualifier"} if key in props}
    aws.client("lambda").put_function_event_invoke_config(**given)
    return name


def change_invoke_config(aws: Aws, identity: str, before: Props, after: Props) -> None:
    put_invoke_config(aws, identity, after)


def delete_invoke_config(aws: Aws, identity: str, props: Props) -> None:
    remove = aws.client("lambda").delete_function_event_invoke_config
    forgiving(remove, FunctionName=props["FunctionName"])


PERMISSION = words(
    "FunctionName Action Principal SourceArn SourceAccount EventSourceToken PrincipalOrgID"
)
INVOKE_CONFIG = words(
    "FunctionName Qualifier MaximumRetryAttempts MaximumEventAgeInSeconds DestinationConfig"
)
KINDS = {
    "AWS::Lambda::Function": Kind(
        create,
        delete,
        update,
        attributes,
        live,
        words(
            "FunctionName Code PackageType Architectures Tags ReservedConcurrentExecutions"
        ).union(SETTINGS),
        name="FunctionName",
    ),
    "AWS::Lambda::Permission": Kind(permit, forbid, takes=PERMISSION),
    "AWS::Lambda::EventInvokeConfig": Kind(
        put_invoke_config, delete_invoke_config, change_invoke_config, takes=INVOKE_CONFIG
    ),
}
