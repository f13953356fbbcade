"""SageMaker: models, endpoint configurations, endpoints; CloudFormation waits for InService."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from byoa.sandbox.cloudformation.kinds import Aws, Kind, Props, gone, or_else, words

#: An endpoint here takes seconds; a large model minutes.
MOST_SECONDS = 1800.0


def creator(word: str) -> Callable[[Aws, str, Props], str]:
    """The API spells these properties as CloudFormation does."""

    def create(aws: Aws, name: str, props: Props) -> str:
        client = aws.client("sagemaker")
        getattr(client, f"create_{word}")(**{**props, f"{camel(word)}Name": name})
        if word == "endpoint":
            with or_else(deleter(word), aws, name, props):
                wait(client, name)
        return name

    return create


def deleter(word: str) -> Callable[[Aws, str, Props], None]:
    def delete(aws: Aws, name: str, props: Props) -> None:
        client, which = aws.client("sagemaker"), {f"{camel(word)}Name": name}
        try:
            getattr(client, f"delete_{word}")(**which)
            while word == "endpoint" and client.describe_endpoint(**which):
                time.sleep(0.2)
        except Exception as error:
            if not gone(error) and "Could not find" not in str(error):
                raise

    return delete


def camel(word: str) -> str:
    return "".join(part.title() for part in word.split("_"))


def update_endpoint(aws: Aws, name: str, before: Props, after: Props) -> None:
    client = aws.client("sagemaker")
    client.update_endpoint(EndpointName=name, EndpointConfigName=after["EndpointConfigName"])
    wait(client, name)


def wait(client: Any, name: str) -> None:
    end = time.monotonic() + MOST_SECONDS
    while time.monotonic() < end:
        found = client.describe_endpoint(EndpointName=name)
        if found["EndpointStatus"] == "InService":
            return
        if found["EndpointStatus"] == "Failed":
            raise ValueError(f"Endpoint {name} failed: {found.get('FailureReason', '')}")
        time.sleep(0.5)
    raise ValueError(f"Endpoint {name} is not in service after {MOST_SECONDS:.0f} s")


def kind(word: str, takes: str, **more: Any) -> Kind:
    name = f"{camel(word)}Name"
    return Kind(
        creator(word),
        deleter(word),
        attributes=lambda aws, identity, props: {name: identity},
        takes=words(takes) | {name, "Tags"},
        name=name,
        longest=63,
        **more,
    )


KINDS = {
    "AWS::SageMaker::Model": kind(
        "model", "PrimaryContainer Containers ExecutionRoleArn EnableNetworkIsolation VpcConfig"
    ),
    "AWS::SageMaker::EndpointConfig": kind(
        "endpoint_config", "ProductionVariants DataCaptureConfig KmsKeyId"
    ),
    "AWS::SageMaker::Endpoint": kind("endpoint", "EndpointConfigName", update=update_endpoint),
}
