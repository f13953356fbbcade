"""Writes byoa/plan/workflow/actions.json: the services of aws-sdk tasks and what IAM calls them.

`python tests/byoa/plan/workflow/actions_from_aws.py` after a new boto3 or cfn-lint was locked:
services and members are botocore's, the resources of each action cfn-lint's copy of AWS's
Service Authorization Reference.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[4] / "byoa/plan/workflow/actions.json"
#: Services whose actions are told one by one; of the others any name is taken, on `*`.
TOLD = {
    *("batch", "cloudwatchlogs", "codebuild", "dynamodb", "ecr", "ecs", "eventbridge", "lambda"),
    *("s3", "sagemaker", "sagemakerruntime", "secretsmanager", "sfn", "sns", "sqs", "ssm"),
}
#: IAM's word for a service where the API's signature has another.
PREFIXES = {"cloudwatch": "cloudwatch", "ses": "ses", "sesv2": "ses"}
#: What a resource type is called in requests, where it is not TypeName.
MEMBERS = {
    "s3": {"bucket": "{Bucket}", "object": "{Bucket}/{Key}"},
    "dynamodb": {"table": "table/{TableName}"},
    "lambda": {"function": "function:{FunctionName}"},
    "states": {
        "statemachine": "stateMachine:{StateMachineArn}",
        "execution": "execution:{ExecutionArn}",
    },
    "sns": {"topic": "{TopicArn}"},
    "sqs": {"queue": "{QueueUrl}"},
    "ssm": {"parameter": "parameter/{Name}"},
    "secretsmanager": {"Secret": "secret:{SecretId}"},
    "ecr": {"repository": "repository/{RepositoryName}"},
    "events": {"event-bus": "event-bus/{Name}", "rule-on-default-event-bus": "rule/{Name}"},
    "logs": {"log-group": "log-group:{LogGroupName}", "log-stream": "log-group:{LogGroupName}:*"},
    "ecs": {"task-definition": "task-definition/{TaskDefinition}", "cluster": "cluster/{Cluster}"},
}
#: Operations that IAM knows by other names, or by several.
PARTIQL = "PartiQLDelete PartiQLInsert PartiQLSelect PartiQLUpdate"
RENAMED = {
    "s3": {
        "HeadObject": "GetObject", "ListObjectsV2": "ListBucket", "ListObjects": "ListBucket",
        "CopyObject": "PutObject", "HeadBucket": "ListBucket",
        "DeleteObjects": "DeleteObject", "CreateMultipartUpload": "PutObject",
        "UploadPart": "PutObject", "UploadPartCopy": "PutObject",
        "CompleteMultipartUpload": "PutObject", "ListBuckets": "ListAllMyBuckets",
        "ListParts": "ListMultipartUploadParts", "ListObjectVersions": "ListBucketVersions",
        "ListMultipartUploads": "ListBucketMultipartUploads", "SelectObjectContent": "GetObject",
        "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
        "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
        "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    },
    "lambda": {"Invoke": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction"},
    "sqs": {
        f"{one}Batch": one for one in ("SendMessage", "DeleteMessage", "ChangeMessageVisibility")
    },
    "sns": {"PublishBatch": "Publish"},
    "batch": {"CancelJobs": "CancelJob", "TerminateJobs": "TerminateJob"},
    "dynamodb": {
        "TransactGetItems": "GetItem",
        "TransactWriteItems": "ConditionCheckItem DeleteItem PutItem UpdateItem",
        "ExecuteStatement": PARTIQL, "BatchExecuteStatement": PARTIQL,
        "ExecuteTransaction": PARTIQL,
    },
}  # fmt: skip


def iam_names(name: str, prefix: str, listed: dict[str, Any]) -> list[str]:
    """IAM's actions for an operation. Those of S3 leave words out; to delete is to put nothing."""
    if renamed := RENAMED.get(prefix, {}).get(name):
        return renamed.split()
    tries = [name]
    if prefix == "s3":
        tries += [name.replace("Delete", "Put", 1)]
        tries += [one.replace("PublicAccess", "BucketPublicAccess") for one in tries]
        tries += [one.removesuffix("Configuration") for one in tries]
        tries += [one.replace("Bucket", "", 1) for one in tries]
        tries += [f"{one}Configuration" for one in tries]
        tries += [one.replace("List", "Get", 1).removesuffix("s") for one in tries]
    known = listed.get("Actions", {})
    return [next((one for one in tries if one.lower() in known), name)]


def policies() -> dict[str, Any]:
    import cfnlint  # type: ignore[import-untyped]

    path = Path(cfnlint.__file__).parent / "data/AdditionalSpecs/Policies.json"
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


def actions() -> dict[str, Any]:
    import botocore.session

    session, known = botocore.session.get_session(), policies()
    services, told = {}, {}
    for service in session.get_available_services():
        model = session.get_service_model(service)
        name = re.sub(r"[^a-z0-9]", "", model.service_id.lower())
        name = name.removesuffix("service") or name  # as AWS's SDK for Java names its packages
        prefix = PREFIXES.get(name, model.signing_name)
        services[name] = prefix
        if name in TOLD:
            told[name] = {
                operation: needs(model.operation_model(operation), prefix, known)
                for operation in model.operation_names
            }
    return {"services": dict(sorted(services.items())), "actions": dict(sorted(told.items()))}


def needs(operation: Any, prefix: str, known: dict[str, Any]) -> list[str]:
    """The resources of an action: ends of ARNs with holes for the request's members; first `=Name`s
    where IAM has other names for it. Nothing: it is allowed on `*` alone."""
    listed = known.get(prefix, {})
    names = iam_names(operation.name, prefix, listed)
    found = listed.get("Actions", {}).get(names[0].lower())
    members = {
        name[:1].upper() + name[1:]
        for name in (operation.input_shape.members if operation.input_shape else ())
    }
    types = (found or {}).get("Resources", [])
    types = [one for one in types if one in MEMBERS.get(prefix, {})] or types
    parts = [part(prefix, one, members, listed) for one in types] if len(types) <= 4 else []
    renamed = [f"={one}" for one in names] if names != [operation.name] else []
    return [*renamed, *sorted({one for one in parts if one})]


def part(prefix: str, kind: str, members: set[str], listed: dict[str, Any]) -> str:
    """What follows service, region and account in a resource's ARN."""
    template = MEMBERS.get(prefix, {}).get(kind)
    if template is None:
        if kind not in listed["Resources"]:
            return ""
        arns = listed["Resources"][kind]["ARNFormats"]
        tail = arns[0].split(":", 5)[5]
        name = "".join(word[:1].upper() + word[1:] for word in kind.split("-")) + "Name"
        template = tail.replace(".*", f"{{{name}}}", 1).replace(".*", "*")
    holes = re.findall(r"\{(\w+)\}", template)
    for hole in holes:
        if hole not in members:
            template = template.replace(f"{{{hole}}}", "*")
    return template


def as_text() -> str:
    made = actions()
    lines = [' "services": ' + json.dumps(made["services"])]
    for service, table in made["actions"].items():
        inner = ",\n".join(
            f"   {json.dumps(key)}: {json.dumps(value)}" for key, value in table.items()
        )
        lines.append(f"  {json.dumps(service)}: {{\n{inner}\n  }}")
    return "{\n" + lines[0] + ',\n "actions": {\n' + ",\n".join(lines[1:]) + "\n }\n}\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(as_text())
    else:
        TARGET.write_text(as_text(), encoding="utf-8")
