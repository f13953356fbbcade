"""Batch transform jobs from request to the last .out."""

from __future__ import annotations

import gzip
import json
import time

import pytest

from byoa.plan.errors import ServiceError, error_code
from tests.serving_home import ServingHome, checked, serving

__all__ = ["serving"]
LINES = {"SplitType": "Line", "ContentType": "application/jsonlines"}


def answers(serving: ServingHome) -> dict[str, object]:
    return {name: json.loads(content) for name, content in serving.outputs().items()}


def test_every_object_gets_its_answer_beside_it(serving: ServingHome):
    serving.model(factor=3)
    serving.put("in/1.json", "1")
    serving.put("in/deep/two words.json", "2")
    serving.put("in2/3.json", "3")
    found = serving.transform(Tags=[{"Key": "a", "Value": "b"}])
    assert found["TransformJobStatus"] == "Completed", found
    assert found["CreationTime"] <= found["TransformStartTime"] <= found["TransformEndTime"]
    assert answers(serving) == {
        "1.json.out": {"answer": 3},
        "deep/two words.json.out": {"answer": 6},
    }
    listed = checked(
        "ListTransformJobs", serving.sagemaker.list_transform_jobs(StatusEquals="Completed")
    )
    assert [one["TransformJobName"] for one in listed["TransformJobSummaries"]] == ["job"]
    tags = serving.sagemaker.list_tags(ResourceArn=found["TransformJobArn"])["Tags"]
    assert tags == [{"Key": "a", "Value": "b"}]
    assert not (serving.root / "jobs/transform/job/ml").exists(), "the model's copy stayed"


def test_the_container_knows_of_the_job_what_the_job_says(serving: ServingHome):
    serving.model(Environment={"COLOUR": "red"})
    serving.put("in/who.json", '{"do": "environ"}')
    found = serving.transform(
        MaxPayloadInMB=5,
        BatchStrategy="SingleRecord",
        MaxConcurrentTransforms=2,
        Environment={"SHAPE": "round"},
    )
    assert found["TransformJobStatus"] == "Completed", found
    seen = answers(serving)["who.json.out"]
    assert isinstance(seen, dict)
    wanted = {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "5",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "2",
        "COLOUR": "red",
        "SHAPE": "round",
    }
    assert {name: seen.get(name) for name in wanted} == wanted


def test_what_the_container_says_of_itself_is_asked_for_and_the_job_wins(serving: ServingHome):
    serving.model(Environment={"SAGEMAKER_MODEL_SERVER_WORKERS": "2"})
    serving.put("in/1.json", "1")
    serving.transform("its-own")
    assert "MaxConcurrentTransforms=2, MaxPayloadInMB=50, BatchStrategy=SINGLE_RECORD" in (
        serving.log("its-own", group="TransformJobs")
    )
    serving.transform("ours", MaxConcurrentTransforms=3, MaxPayloadInMB=7)
    assert "MaxConcurrentTransforms=3, MaxPayloadInMB=7, BatchStrategy=SINGLE_RECORD" in (
        serving.log("ours", group="TransformJobs")
    )


def test_an_object_that_fails_fails_the_job_and_the_others_are_written(serving: ServingHome):
    serving.model()
    serving.put("in/a.json", "1")
    serving.put("in/b.json", "{")
    serving.put("in/c.json", "3")
    found = serving.transform()
    assert found["TransformJobStatus"] == "Failed"
    assert found["FailureReason"].startswith("ClientError: 1 of 3 objects failed")
    assert "b.json" in found["FailureReason"] and "400" in found["FailureReason"]
    assert answers(serving) == {"a.json.out": {"answer": 2}, "c.json.out": {"answer": 6}}
    (stream,) = [name for name in serving.streams(group="TransformJobs") if "data-log" in name]
    assert "b.json" in serving.log(host="data-log", group="TransformJobs"), stream


def test_a_request_is_tried_again_and_a_slow_one_given_up(serving: ServingHome):
    serving.model()
    serving.put("in/a.json", '{"do": "refuse", "status": 500}')
    serving.transform("tries", ModelClientConfig={"InvocationsMaxRetries": 2})
    log = serving.log("tries", group="TransformJobs")
    assert log.count('"path": "/invocations", "status": 500') == 3
    serving.put("in/a.json", '{"do": "sleep", "seconds": 20}')
    client = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
    found = serving.transform("slow", ModelClientConfig=client)
    assert "no answer within 1 s" in found["FailureReason"]


def test_an_object_that_kills_the_container_is_named_and_the_next_one_is_answered(
    serving: ServingHome,
):
    """The model process dies with each try; `serve` answers 500 for it and goes on."""
    serving.model()
    serving.put("in/a.json", '{"do": "die"}')
    serving.put("in/b.json", "2")
    found = serving.transform(ModelClientConfig={"InvocationsMaxRetries": 1})
    assert found["TransformJobStatus"] == "Failed" and "a.json" in found["FailureReason"]
    assert answers(serving) == {"b.json.out": {"answer": 4}}


def test_lines_are_sent_one_by_one_and_joined_with_their_answers(serving: ServingHome):
    serving.model()
    serving.put("in/rows.jsonl", '1\n2\n\n{"do": "sleep", "seconds": 0}\n')
    found = serving.transform(
        TransformInput=LINES,
        TransformOutput={"AssembleWith": "Line"},
        BatchStrategy="SingleRecord",
        DataProcessing={"JoinSource": "Input"},
    )
    assert found["TransformJobStatus"] == "Completed", found
    lines = serving.outputs()["rows.jsonl.out"].splitlines()
    assert [json.loads(line) for line in lines] == [
        {"SageMakerInput": 1, "SageMakerOutput": {"answer": 2}},
        {"SageMakerInput": 2, "SageMakerOutput": {"answer": 4}},
        {"do": "sleep", "seconds": 0, "SageMakerOutput": {"answer": 2}},
    ]


def test_manifests_and_compressed_objects_are_read(serving: ServingHome):
    serving.model()
    serving.put("data/x.json", gzip.compress(b"4"))
    serving.put("data/y.json", gzip.compress(b"5"))
    manifest = serving.put("m.json", json.dumps([{"prefix": serving.uri("data/")}, "y.json"]))
    source = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": manifest}}
    found = serving.transform(TransformInput={"DataSource": source, "CompressionType": "Gzip"})
    assert found["TransformJobStatus"] == "Completed", found
    assert answers(serving) == {"y.json.out": {"answer": 10}}


def test_a_single_object_is_an_input_too(serving: ServingHome):
    serving.model()
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": serving.put("one/7.json", "7")}}
    found = serving.transform(TransformInput={"DataSource": source})
    assert found["TransformJobStatus"] == "Completed", found
    assert answers(serving) == {"7.json.out": {"answer": 14}}


def test_nothing_to_do_and_a_model_that_does_not_load_fail_the_job(serving: ServingHome):
    serving.model()
    found = serving.transform("nothing")
    assert "No S3 objects found" in found["FailureReason"]
    serving.put("in/1.json", "1")
    serving.sagemaker.delete_model(ModelName="model")
    serving.model(Environment={"PROBE_BROKEN": "1"})
    found = serving.transform("broken")
    assert found["TransformJobStatus"] == "Failed"
    assert found["FailureReason"].startswith("AlgorithmError: the container did not serve")
    assert "the weights are for another network" in found["FailureReason"]


def test_a_job_is_stopped_in_the_middle_of_a_request(serving: ServingHome):
    serving.model()
    serving.put("in/a.json", '{"do": "sleep", "seconds": 60}')
    serving.start_transform()
    end = time.monotonic() + 30
    while "MaxConcurrentTransforms" not in serving.log(group="TransformJobs"):
        assert time.monotonic() < end
        time.sleep(0.1)
    started = time.monotonic()
    serving.sagemaker.stop_transform_job(TransformJobName="job")
    status = serving.sagemaker.describe_transform_job(TransformJobName="job")["TransformJobStatus"]
    assert status == "Stopping"
    assert serving.transformed()["TransformJobStatus"] == "Stopped"
    assert time.monotonic() - started < 20
    with pytest.raises(ServiceError, match="is in status Stopped"):
        serving.sagemaker.stop_transform_job(TransformJobName="job")


def test_what_aws_would_refuse_is_refused(serving: ServingHome):
    serving.model()
    serving.put("in/1.json", "1")
    with pytest.raises(ServiceError, match="Could not find model"):
        serving.start_transform(ModelName="nothing")
    serving.transform()
    with pytest.raises(ServiceError) as caught:
        serving.start_transform()
    assert error_code(caught.value) == "ResourceInUse"
    with pytest.raises(ServiceError, match="InputFilter works on AWS only"):
        serving.start_transform("x", DataProcessing={"InputFilter": "$.a"})
    with pytest.raises(ServiceError, match="Could not find requested job"):
        serving.sagemaker.describe_transform_job(TransformJobName="nothing")
