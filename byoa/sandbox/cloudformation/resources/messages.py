"""SNS topics and SQS queues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.sandbox.cloudformation.kinds import (
    Aws,
    Kind,
    Props,
    as_json,
    forgiving,
    or_else,
    present,
    words,
)

#: A queue's properties are the API's attributes.
QUEUE = words(
    "DelaySeconds FifoQueue KmsMasterKeyId MaximumMessageSize MessageRetentionPeriod "
    "ReceiveMessageWaitTimeSeconds RedrivePolicy SqsManagedSseEnabled VisibilityTimeout"
)


def create_topic(aws: Aws, name: str, props: Props) -> str:
    sns = aws.client("sns")
    made = sns.create_topic(Name=name, **present(Tags=props.get("Tags")))
    arn = str(made["TopicArn"])
    with or_else(delete_topic, aws, arn, props):
        for each in props.get("Subscription") or []:
            sns.subscribe(TopicArn=arn, Protocol=each["Protocol"], Endpoint=each["Endpoint"])
    return arn


def delete_topic(aws: Aws, arn: str, props: Props) -> None:
    forgiving(aws.client("sns").delete_topic, TopicArn=arn)


def topic_attributes(aws: Aws, arn: str, props: Props) -> Mapping[str, Any]:
    return {"TopicArn": arn, "TopicName": arn.rpartition(":")[2]}


def queue_settings(props: Props) -> dict[str, str]:
    return {name: as_text(props[name]) for name in sorted(QUEUE) if name in props}


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(as_json(value)) if isinstance(value, dict) else str(value)


def create_queue(aws: Aws, name: str, props: Props) -> str:
    tags = {tag["Key"]: tag["Value"] for tag in props.get("Tags") or []}
    made = aws.client("sqs").create_queue(
        QueueName=name, Attributes=queue_settings(props), **present(tags=tags or None)
    )
    return str(made["QueueUrl"])


def update_queue(aws: Aws, url: str, before: Props, after: Props) -> None:
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes=queue_settings(after))


def delete_queue(aws: Aws, url: str, props: Props) -> None:
    forgiving(aws.client("sqs").delete_queue, QueueUrl=url)


def queue_attributes(aws: Aws, url: str, props: Props) -> Mapping[str, Any]:
    name = url.rpartition("/")[2]
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"
    return {"Arn": arn, "QueueName": name, "QueueUrl": url}


KINDS = {
    "AWS::SNS::Topic": Kind(
        create_topic,
        delete_topic,
        attributes=topic_attributes,
        takes=words("TopicName Subscription Tags"),
        name="TopicName",
        longest=256,
    ),
    "AWS::SQS::Queue": Kind(
        create_queue,
        delete_queue,
        update_queue,
        queue_attributes,
        takes=QUEUE | {"QueueName", "Tags"},
        name="QueueName",
        longest=80,
    ),
}
