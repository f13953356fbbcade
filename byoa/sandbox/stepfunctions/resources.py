"""A Task's Resource, read: which service's which operation, in which manner; and names in it.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from byoa.sandbox.stepfunctions.errors import runtime

TASK = re.compile(
    r"arn:[\w-]+:states:(?P<region>[\w-]*):(?P<account>\d*):"
    r"(?P<sdk>aws-sdk:)?(?P<service>\w+):(?P<action>\w+)"
    r"(?:\.(?P<manner>sync(?::2)?|waitForTaskToken))?"
)
LAMBDA = re.compile(r"arn:[\w-]+:lambda:(?P<region>[\w-]+):\d{12}:function:[\w-]+(:[\w$-]+)?")
ACTIVITY = re.compile(r"arn:[\w-]+:states:[\w-]+:\d{12}:activity:.+")
#: Services that Step Functions calls by another name than boto3 does.
CLIENTS = {
    "states": "stepfunctions", "sfn": "stepfunctions", "eventbridge": "events",
    "cloudwatchlogs": "logs", "elasticmapreduce": "emr", "sagemakerruntime": "sagemaker-runtime",
    "costexplorer": "ce",
}  # fmt: skip
#: Of the optimised integrations: the first word of their errors and the name of one that the
#: service's model does not know, as the first SDK for Java called it.
OPTIMISED = {
    "sagemaker": ("SageMaker", "AmazonSageMakerException", "AmazonSageMaker"),
    "codebuild": ("CodeBuild", "AWSCodeBuildException", "AWSCodeBuild"),
    "batch": ("Batch", "AWSBatchException", "AWSBatch"),
    "lambda": ("Lambda", "AWSLambdaException", "AWSLambda"),
    "stepfunctions": ("StepFunctions", "AWSStepFunctionsException", "AWSStepFunctions"),
    "events": ("EventBridge", "AmazonEventBridgeException", "AmazonEventBridge"),
    "sns": ("SNS", "AmazonSNSException", "AmazonSNS"),
    "sqs": ("SQS", "AmazonSQSException", "AmazonSQS"),
    "dynamodb": ("DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2"),
    "ecs": ("ECS", "AmazonECSException", "AmazonECS"),
    "glue": ("Glue", "AWSGlueException", "AWSGlue"),
}
WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+[0-9]*|[0-9]+")


@dataclass(frozen=True)
class Resource:
    """What a Task asks for."""

    sdk: bool  #: aws-sdk:…, any operation as it is
    service: str  #: as the definition calls it
    action: str  #: createTrainingJob
    manner: str  #: "", sync, sync:2, waitForTaskToken

    @property
    def client(self) -> str:
        name: str = client_name(self.service)
        return name

    @property
    def operation(self) -> str:
        return self.action[:1].upper() + self.action[1:]

    @property
    def kind(self) -> str:
        """resourceType in the history."""
        return f"aws-sdk:{self.service}" if self.sdk else self.service

    @property
    def name(self) -> str:
        """resource in the history."""
        return f"{self.action}.{self.manner}" if self.manner else self.action

    @property
    def arn(self) -> str:
        return f"arn:aws:states:::{self.kind}:{self.name}"

    @property
    def told(self) -> dict[str, str]:
        return {"resourceType": self.kind, "resource": self.name}


def read(arn: str) -> Resource:
    match = TASK.fullmatch(arn)
    if match is None:
        raise runtime(
            f"The resource provided {arn} is not recognized. The value is not a valid resource "
            "ARN, or the resource is not available in this region."
        )
    return Resource(bool(match["sdk"]), match["service"], match["action"], match["manner"] or "")


@cache
def client_name(service: str) -> str:
    """boto3's name: sagemakerruntime is sagemaker-runtime."""
    import botocore.session

    if service in CLIENTS:
        return CLIENTS[service]
    known = botocore.session.get_session().get_available_services()
    found = {name.replace("-", ""): name for name in known}
    return str(found.get(service.lower(), service))


def pascal(name: str) -> str:
    """A name as the second SDK for Java spells it: KMSKeyId is KmsKeyId."""
    return "".join(word[:1].upper() + word[1:].lower() for word in WORD.findall(name)) or name


def error_of(resource: Resource, code: str, model: Any) -> str:
    """An error's name: SageMaker.ResourceNotFoundException; SageMaker.SageMakerException when the
    service's model does not know its code."""
    modelled = {code_of(shape): shape.name for shape in model.error_shapes}
    if resource.sdk:
        prefix = pascal(re.sub(r"\W", "", model.service_id))
        default = f"{prefix}Exception"
    else:
        prefix, default, _ = OPTIMISED.get(resource.client, ("", "", ""))
        prefix = prefix or pascal(model.service_id)
        default = default or f"{prefix}Exception"
    name = modelled.get(code) or (code if code in modelled.values() else default)
    return f"{prefix}.{name if name.endswith('Exception') else name + 'Exception'}"


def code_of(shape: Any) -> str:
    said: str = shape.metadata.get("error", {}).get("code") or shape.name
    return said


def cause_of(resource: Resource, answer: Mapping[str, Any]) -> str:
    """The sentence with who said it, as the two SDKs for Java end it."""
    code, said = answer["Error"].get("Code", ""), answer["Error"].get("Message", "")
    meta = answer.get("ResponseMetadata", {})
    status, request = meta.get("HTTPStatusCode", 400), meta.get("RequestId", "")
    if resource.sdk:
        name = re.sub(r"\W", "", error_service(resource))
        return f"{said} (Service: {name}, Status Code: {status}, Request ID: {request})"
    service = OPTIMISED.get(resource.client, ("", "", error_service(resource)))[2]
    return (
        f"{said} (Service: {service}; Status Code: {status}; Error Code: {code}; "
        f"Request ID: {request}; Proxy: null)"
    )


def error_service(resource: Resource) -> str:
    from byoa.sandbox.wire import service_model

    return str(service_model(resource.client).service_id)
