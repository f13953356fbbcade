"""Models, transforms, endpoints, alarms and scaling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.endpoint import (
    Endpoint,
    EndpointConfig,
    alarm_requests,
    endpoint_config_request,
    endpoint_request,
    scaling_requests,
    update_endpoint_request,
)
from byoa.plan.errors import UsageError
from byoa.plan.model import Model, model_request
from byoa.plan.transform import TransformJob, transform_request
from tests.byoa.plan import made_up
from tests.byoa.plan.service_model import accepted

MODEL = Model(name="m", image="demo", role=made_up.ROLE, data="s3://b/model.tar.gz")
TOPIC = "arn:aws:sns:us-east-1:123456789012:done"
CONFIG = EndpointConfig(name="c", model="m")
ENDPOINT = Endpoint(name="e", config="c", tags={"byoa:project": "demo"})
TRANSFORM = TransformJob(name="t", model="m", input="s3://b/in/", output="s3://b/out/")


def of_variant(extra: dict[str, Any]) -> dict[str, Any]:
    return {"ProductionVariants": {"AllTraffic": extra}}


def refused(function: Any, *arguments: Any) -> str:
    with pytest.raises(UsageError) as caught:
        function(*arguments)
    return str(caught.value)


def test_a_model_of_an_archive_of_a_folder_of_nothing():
    archive = accepted("sagemaker", "CreateModel", model_request(MODEL))["PrimaryContainer"]
    assert archive == {
        "Image": "demo",
        "Mode": "SingleModel",
        "ModelDataUrl": "s3://b/model.tar.gz",
    }
    folder = model_request(replace(MODEL, data="s3://b/model/"))
    assert accepted("sagemaker", "CreateModel", folder)["PrimaryContainer"] == {
        "Image": "demo",
        "Mode": "SingleModel",
        "ModelDataSource": {
            "S3DataSource": {
                "S3Uri": "s3://b/model/",
                "S3DataType": "S3Prefix",
                "CompressionType": "None",
            }
        },
    }
    nothing = accepted("sagemaker", "CreateModel", model_request(replace(MODEL, data=None)))
    assert nothing["PrimaryContainer"] == {"Image": "demo", "Mode": "SingleModel"}


def test_pipelines_and_more_sources_are_reached_by_extra():
    containers = [{"Image": "a", "ContainerHostname": "one"}, {"Image": "b"}]
    extra = {
        "PrimaryContainer": None,
        "Containers": containers,
        "InferenceExecutionConfig": {"Mode": "Direct"},
    }
    request = accepted("sagemaker", "CreateModel", model_request(replace(MODEL, extra=extra)))
    assert request["Containers"] == containers
    place = {"S3Uri": "s3://b/l/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    source = {"ChannelName": "lora", "S3DataSource": place}
    more = {"PrimaryContainer": {"AdditionalModelDataSources": [source]}}
    request = accepted("sagemaker", "CreateModel", model_request(replace(MODEL, extra=more)))
    assert request["PrimaryContainer"]["AdditionalModelDataSources"] == [source]
    assert request["PrimaryContainer"]["ModelDataUrl"] == "s3://b/model.tar.gz"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"data": "s3://b/model.zip"}, "name a .tar.gz"),
        ({"extra": {"PrimaryContainer": {"Mode": "MultiModel"}}}, "end it in /"),
        ({"extra": {"Containers": [{"Image": "a"}]}}, "give one of them"),
        ({"extra": {"PrimaryContainer": None}}, "give one of them"),
        ({"extra": {"ExecutionRoleArn": None}}, "ExecutionRoleArn is missing"),
        ({"image": "two words"}, "without a space"),
        ({"environment": {"A": "x" * 1025}}, "at most 1,024"),
    ],
)
def test_a_model_that_aws_would_refuse(fields: dict[str, Any], said: str):
    assert said in refused(model_request, replace(MODEL, **fields))


def test_an_endpoint_on_instances_serverless_and_async():
    def config(**fields: Any) -> dict[str, Any]:
        request = endpoint_config_request(replace(CONFIG, **fields))
        return accepted("sagemaker", "CreateEndpointConfig", request)

    on_instances = config(ami="al2-ami-sagemaker-inference-gpu-2-1", startup_timeout=600)
    assert on_instances["ProductionVariants"] == [
        {
            "VariantName": "AllTraffic",
            "ModelName": "m",
            "InitialVariantWeight": 1.0,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2-1",
            "ContainerStartupHealthCheckTimeoutInSeconds": 600,
            "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
        }
    ]
    serverless = config(memory_mb=4096, kms_key="k", ami="x", startup_timeout=9)
    assert serverless["ProductionVariants"] == [
        {
            "VariantName": "AllTraffic",
            "ModelName": "m",
            "InitialVariantWeight": 1.0,
            "ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 5},
        }
    ]
    later = config(
        async_output="s3://b/answers",
        async_failures="s3://b/failures",
        extra={
            "AsyncInferenceConfig": {
                "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 4},
                "OutputConfig": {"NotificationConfig": {"SuccessTopic": TOPIC}},
            }
        },
    )
    assert later["AsyncInferenceConfig"] == {
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 4},
        "OutputConfig": {
            "S3OutputPath": "s3://b/answers",
            "S3FailurePath": "s3://b/failures",
            "NotificationConfig": {"SuccessTopic": TOPIC},
        },
    }
    captured = config(capture="s3://b/seen", capture_percent=10)["DataCaptureConfig"]
    assert captured["DestinationS3Uri"] == "s3://b/seen"
    assert captured["InitialSamplingPercentage"] == 10


def test_a_second_variant_stands_beside_the_first():
    (first,) = endpoint_config_request(CONFIG)["ProductionVariants"]
    both = endpoint_config_request(
        replace(CONFIG, model="n", variant="challenger", weight=0.1, others=[first])
    )
    accepted("sagemaker", "CreateEndpointConfig", both)
    assert both["ProductionVariants"][0] == first
    assert both["ProductionVariants"][1]["VariantName"] == "challenger"
    assert both["ProductionVariants"][1]["InitialVariantWeight"] == 0.1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"memory_mb": 1500}, "take one of 1024, 2048"),
        ({"memory_mb": 1024, "concurrency": 201}, "at most 200"),
        (
            {
                "memory_mb": 1024,
                "concurrency": 2,
                "extra": of_variant({"ServerlessConfig": {"ProvisionedConcurrency": 3}}),
            },
            "ProvisionedConcurrency",
        ),
        ({"memory_mb": 1024, "capture": "s3://b/c"}, "no DataCaptureConfig"),
        ({"memory_mb": 1024, "async_output": "s3://b/c"}, "no AsyncInferenceConfig"),
        ({"startup_timeout": 3601}, "at most 3,600"),
        ({"ami": "al2-ami-sagemaker-inference-gpu-9"}, "try al2-ami"),
        ({"instance_type": "ml.m5.tiny"}, "try ml.m5.large"),
        ({"extra": of_variant({"VolumeSizeInGB": 513})}, "at most 512"),
        ({"tags": {"AWS:x": ""}}, "not aws: at its begin"),
    ],
)
def test_a_configuration_that_aws_would_refuse(fields: dict[str, Any], said: str):
    assert said in refused(endpoint_config_request, replace(CONFIG, **fields))


def test_an_endpoint_is_made_and_updated_blue_green():
    created = accepted("sagemaker", "CreateEndpoint", endpoint_request(ENDPOINT))
    assert created == {
        "EndpointName": "e",
        "EndpointConfigName": "c",
        "Tags": [{"Key": "byoa:project", "Value": "demo"}],
    }
    updated = update_endpoint_request(replace(ENDPOINT, alarms=["errors"], canary_percent=10))
    assert accepted("sagemaker", "UpdateEndpoint", updated) == {
        "EndpointName": "e",
        "EndpointConfigName": "c",
        "DeploymentConfig": {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {
                    "Type": "CANARY",
                    "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
                    "WaitIntervalInSeconds": 60,
                },
                "TerminationWaitInSeconds": 60,
                "MaximumExecutionTimeoutInSeconds": 3600,
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
        },
    }
    plain = accepted("sagemaker", "UpdateEndpoint", update_endpoint_request(ENDPOINT))
    assert "AutoRollbackConfiguration" not in plain["DeploymentConfig"]


def test_a_rolling_update_and_retained_properties_are_reached_by_extra():
    rolling = {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": 60,
    }
    extra = {
        "RetainAllVariantProperties": True,
        "DeploymentConfig": {"BlueGreenUpdatePolicy": None, "RollingUpdatePolicy": rolling},
    }
    request = update_endpoint_request(replace(ENDPOINT, extra=extra))
    assert accepted("sagemaker", "UpdateEndpoint", request)["DeploymentConfig"] == {
        "RollingUpdatePolicy": rolling
    }
    both = {"DeploymentConfig": {"RollingUpdatePolicy": rolling}}
    assert "drop one" in refused(update_endpoint_request, replace(ENDPOINT, extra=both))
    assert "at most 50" in refused(update_endpoint_request, replace(ENDPOINT, canary_percent=60))


def test_alarms_and_scaling():
    (errors,) = alarm_requests("e", {"byoa:project": "p"}, errors=3)
    accepted("cloudwatch", "PutMetricAlarm", errors)
    assert (errors["AlarmName"], errors["Threshold"]) == ("e-AllTraffic-Invocation5XXErrors", 3.0)
    (of_variant,) = alarm_requests("e", {}, variant="challenger")
    assert {"Name": "VariantName", "Value": "challenger"} in of_variant["Dimensions"]
    assert of_variant["AlarmName"] != errors["AlarmName"]
    (one, target), (two, policy) = scaling_requests("e", least=1, most=4, per_instance=100)
    assert (one, two) == ("register_scalable_target", "put_scaling_policy")
    accepted("application-autoscaling", "RegisterScalableTarget", target)
    accepted("application-autoscaling", "PutScalingPolicy", policy)
    assert target["ResourceId"] == "endpoint/e/variant/AllTraffic"
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 100.0
    for least, most in ((0, 4), (3, 2)):
        with pytest.raises(UsageError, match="is no range"):
            scaling_requests("e", least=least, most=most)


def test_a_transform_word_for_word():
    request = transform_request(
        replace(TRANSFORM, content_type="image/jpeg", payload_mb=20, concurrent=4, timeout=600)
    )
    assert accepted("sagemaker", "CreateTransformJob", request) == {
        "TransformJobName": "t",
        "ModelName": "m",
        "MaxConcurrentTransforms": 4,
        "MaxPayloadInMB": 20,
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": 600},
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in/"}},
            "ContentType": "image/jpeg",
        },
        "TransformOutput": {"S3OutputPath": "s3://b/out/"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    extra = {"DataProcessing": {"JoinSource": "Input", "OutputFilter": "$.id"}}
    accepted("sagemaker", "CreateTransformJob", transform_request(replace(TRANSFORM, extra=extra)))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"payload_mb": 101}, "at most 100"),
        ({"payload_mb": 30, "concurrent": 4}, "at most 25 MB"),
        ({"strategy": "MULTI_RECORD"}, "try MultiRecord"),
        ({"environment": {f"A{i}": "" for i in range(17)}}, "at most 16"),
    ],
)
def test_a_transform_that_aws_would_refuse(fields: dict[str, Any], said: str):
    assert said in refused(transform_request, replace(TRANSFORM, **fields))


SOMETIMES = st.none() | st.integers(1, 4000)
CONFIGS = st.builds(
    EndpointConfig,
    name=made_up.ANY_NAMES,
    model=made_up.NAMES,
    variant=made_up.ANY_NAMES,
    weight=st.floats(-1, 2),
    instance_type=made_up.TYPES,
    instance_count=made_up.COUNTS,
    memory_mb=st.none() | st.sampled_from([1024, 6144, 1000]),
    concurrency=st.integers(1, 250),
    async_output=st.none() | made_up.URIS,
    capture=st.none() | made_up.URIS,
    capture_percent=st.integers(0, 101),
    startup_timeout=SOMETIMES,
    download_timeout=SOMETIMES,
    kms_key=made_up.KEYS,
    tags=made_up.TAGS,
)
TRANSFORMS = st.builds(
    TransformJob,
    name=made_up.ANY_NAMES,
    model=made_up.NAMES,
    input=made_up.URIS,
    output=made_up.URIS,
    content_type=st.none() | made_up.TEXTS,
    split=st.sampled_from([None, "None", "Line", "RecordIO"]),
    assemble=st.sampled_from([None, "None", "Line"]),
    strategy=st.sampled_from([None, "SingleRecord", "MultiRecord"]),
    payload_mb=st.none() | st.integers(-1, 110),
    concurrent=st.none() | st.integers(0, 20),
    timeout=SOMETIMES,
    retries=st.none() | st.integers(0, 4),
    environment=made_up.MAPS,
    tags=made_up.TAGS,
    kms_key=made_up.KEYS,
)
MODELS = st.builds(
    Model,
    name=made_up.ANY_NAMES,
    image=made_up.NAMES | made_up.TEXTS,
    role=st.just(made_up.ROLE),
    data=st.none() | made_up.FOLDERS | made_up.URIS.map(lambda uri: uri + ".tar.gz"),
    environment=made_up.MAPS,
    tags=made_up.TAGS,
    isolation=st.booleans(),
    subnets=made_up.NETWORKS,
    security_groups=made_up.GROUPS,
)


@pytest.mark.parametrize(
    ("operation", "function", "wishes"),
    [
        ("CreateEndpointConfig", endpoint_config_request, CONFIGS),
        ("CreateTransformJob", transform_request, TRANSFORMS),
        ("CreateModel", model_request, MODELS),
    ],
)
def test_whatever_is_accepted_aws_accepts(operation: str, function: Any, wishes: Any):
    seen = []

    @given(wishes)
    def holds(wish: Any) -> None:
        try:
            request = function(wish)
        except UsageError as error:
            assert " - " in str(error)
            return
        seen.append(accepted("sagemaker", operation, request))

    holds()
    assert len(seen) > 5, "hardly anything was accepted: the wishes are too wild"
