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
        # what tasks of a workflow ask for besides
        *(
            f"Describe{one}"
            for one in ("Endpoint", "EndpointConfig", "Model", "ProcessingJob", "TrainingJob")
        ),
        *("DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel"),
        *("StopProcessingJob", "StopTrainingJob", "StopTransformJob"),
    ),
    "lambda": ("Invoke",),
    "sns": ("Publish",),
    "sqs": ("SendMessage",),
    "dynamodb": ("GetItem", "PutItem", "UpdateItem", "DeleteItem"),
    "glue": ("StartJobRun",),
    "ecs": ("RunTask",),
    "ecr": (
        "CreateRepository",
        "PutLifecyclePolicy",
        "PutImageScanningConfiguration",
        "SetRepositoryPolicy",
    ),
    "codebuild": ("CreateProject", "UpdateProject", "StartBuild", "StartBuildBatch", "StopBuild"),
    "iam": (
        *("CreateRole", "PutRolePolicy", "UpdateAssumeRolePolicy"),
        *("CreateInstanceProfile", "AddRoleToInstanceProfile"),
    ),
    "batch": (
        *("CreateComputeEnvironment", "CreateJobQueue", "UpdateJobQueue"),
        *("RegisterJobDefinition", "SubmitJob"),
    ),
    "s3": (
        "CreateBucket",
        "PutBucketEncryption",
        "PutPublicAccessBlock",
        "PutBucketVersioning",
        "PutBucketTagging",
        "PutBucketLifecycleConfiguration",
        "PutBucketNotificationConfiguration",
    ),
    "application-autoscaling": ("RegisterScalableTarget", "PutScalingPolicy"),
    "cloudwatch": ("PutMetricAlarm",),
    "cloudformation": ("CreateChangeSet",),
    "stepfunctions": (
        "CreateStateMachine",
        "UpdateStateMachine",
        "PublishStateMachineVersion",
        "StartExecution",
        "StopExecution",
        "RedriveExecution",
        "TagResource",
        "UntagResource",
    ),
    "events": ("PutRule", "PutTargets", "PutEvents"),
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
#: What a pattern means, by how it begins; the others are shown as they are.
WORDS = {
    r"[a-zA-Z0-9](-*[a-zA-Z0-9]": "letters, digits and hyphens, none of them at an end",
    r"[a-zA-Z0-9]([\-a-zA-Z0-9]*": "letters, digits and hyphens, none of them at an end",
    r"[A-Za-z0-9\.\-_]+": "letters, digits, dots, hyphens and underscores",
    r"[a-zA-Z_][a-zA-Z0-9_]*": "letters, digits and underscores, no digit first",
    r"(https|s3)://": "an address such as s3://bucket/folder/",
    r"arn:aws[a-z\-]*:iam": "a role's ARN: arn:aws:iam::123456789012:role/NAME",
    r"([\w ": "letters, digits, spaces and any of _.:/=+-@",
    r"[a-z0-9]+((\.|_|__|-+)": "small letters and digits, with . _ - or / between them",
    r".*": "one line",
    r".+": "one line",
    r"[\S]+": "without a space",
}
BATCH_NAME = {
    "pattern": r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}",
    "words": "up to 128 letters, digits, hyphens and underscores",
}
#: Of a state machine or an execution: what CloudWatch Logs takes, too.
WORKFLOW_NAME = {
    "pattern": r"[A-Za-z0-9_-]{1,80}",
    "words": "up to 80 letters, digits, hyphens and underscores",
}
#: What AWS's pages say and its models do not, by structure or its member: `once` in a list,
#: exactly `one` of some members, members that are never there together (`apart`).
PAGES: dict[str, dict[str, dict[str, Any]]] = {
    "stepfunctions": {
        "CreateStateMachineInput.name": WORKFLOW_NAME,
        "StartExecutionInput.name": WORKFLOW_NAME,
    },
    "sagemaker": {
        "ResourceConfig.InstanceCount": {"min": 1},
        "ResourceConfig.VolumeSizeInGB": {"min": 1},
        "CreateTransformJobRequest.MaxPayloadInMB": {"max": 100},
        "InputDataConfig": {"once": "ChannelName"},
        "ProcessingInputs": {"once": "InputName"},
        "ProcessingOutputs": {"once": "OutputName"},
        "InstancePreferenceList": {"once": "InstanceType"},
        "ProcessingInstancePreferenceList": {"once": "InstanceType"},
        "AlgorithmSpecification": {"one": ["TrainingImage", "AlgorithmName"]},
        "ResourceConfig": {
            "apart": [
                ["InstancePreferences", "InstanceType"],
                ["InstancePreferences", "InstanceGroups"],
                ["InstancePreferences", "InstancePlacementConfig"],
                ["KeepAlivePeriodInSeconds", "InstanceGroups"],
            ],
        },
        "ProcessingClusterConfig": {"apart": [["InstancePreferences", "InstanceType"]]},
        "CreateModelInput": {
            "one": ["PrimaryContainer", "Containers"],
            "required": ["ModelName", "ExecutionRoleArn"],
        },
        "DeploymentConfig": {"apart": [["BlueGreenUpdatePolicy", "RollingUpdatePolicy"]]},
        "ProductionVariant": {
            "apart": [
                ["ServerlessConfig", "InstanceType"],
                ["ServerlessConfig", "InferenceAmiVersion"],
                ["ServerlessConfig", "VolumeSizeInGB"],
            ],
        },
        "Tag.Key": {
            "pattern": r"(?![aA][wW][sS]:)[\w" + SEPARATORS + r".:/=+\-@]*",
            "words": "letters, digits, spaces and any of _.:/=+-@, not aws: at its begin",
        },
    },
    "batch": {
        "CreateComputeEnvironmentRequest.computeEnvironmentName": BATCH_NAME,
        "CreateJobQueueRequest.jobQueueName": BATCH_NAME,
        "RegisterJobDefinitionRequest.jobDefinitionName": BATCH_NAME,
        "SubmitJobRequest.jobName": BATCH_NAME,
        "SubmitJobRequest.dependsOn": {"max": 20},
        "ArrayProperties.size": {"min": 2, "max": 10_000},
        "RetryStrategy.attempts": {"min": 1, "max": 10},
        "JobTimeout.attemptDurationSeconds": {"min": 60},
        "KeyValuePair.name": {
            "pattern": r"(?!AWS_BATCH).+",
            "words": "without AWS_BATCH at its begin, which is Batch's own",
        },
    },
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    "s3": {
        "CreateBucketRequest.Bucket": {
            "pattern": (
                r"(?!.*\.\.|\d+\.\d+\.\d+\.\d+$|xn--|sthree-|amzn-s3-demo-"
                r"|.*(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$)"
                r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
            ),
            "words": "3 to 63 small letters, digits and hyphens, none of them at an end",
        },
    },
}


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
        for place, limits in PAGES.get(service, {}).items():
            structure, _, member = place.partition(".")
            if not member:
                table[structure] |= limits
                continue
            table[place] = table[table[structure]["members"][member]] | limits
            table[structure]["members"][member] = place
        made[service] = {"operations": inputs, "shapes": dict(sorted(table.items()))}
    return made


def add(shape: Any, table: dict[str, Any]) -> str:
    if shape.name in table:
        return str(shape.name)
    entry: dict[str, Any] = {"type": shape.type_name}
    table[shape.name] = entry
    entry |= {key: shape.metadata[key] for key in ("min", "max", "enum") if key in shape.metadata}
    if "pattern" in shape.metadata:
        entry["pattern"] = pattern = as_python(shape.metadata["pattern"])
        words = [said for start, said in WORDS.items() if pattern.startswith(start)]
        entry |= {"words": words[0]} if words else {}
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
