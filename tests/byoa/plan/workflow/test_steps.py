"""Every step's parameters are what the service takes: botocore's own model says so."""

from __future__ import annotations

from typing import Any

import pytest

from byoa.plan.errors import UsageError
from byoa.plan.workflow.build import BatchSubmitJobStep, CodeBuildStep
from byoa.plan.workflow.chain import Chain, definition
from byoa.plan.workflow.check import problems
from byoa.plan.workflow.estimator import Estimator, TrainingInput
from byoa.plan.workflow.hosting import DataCaptureConfig, EndpointConfigStep, ModelStep
from byoa.plan.workflow.model import Model, PipelineModel, Transformer
from byoa.plan.workflow.names import execution_name
from byoa.plan.workflow.placeholders import ExecutionInput, StepInput
from byoa.plan.workflow.processor import ProcessingInput, ProcessingOutput, Processor
from byoa.plan.workflow.sagemaker import ProcessingStep, TrainingStep, TransformStep, TuningStep
from byoa.plan.workflow.tuner import (
    CategoricalParameter,
    ContinuousParameter,
    HyperparameterTuner,
    IntegerParameter,
)
from tests.byoa.plan.service_model import accepted

ROLE = "arn:aws:iam::123456789012:role/jobs"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/cells:1"
METRIC = {"Name": "ap", "Regex": "ap=([0-9.]+)"}
TAGS = [{"Key": "team", "Value": "cells"}]
INPUT = ExecutionInput()


def estimator(**more: Any) -> Estimator:
    said = {"output_path": "s3://bucket/out", "metric_definitions": [METRIC], **more}
    made = Estimator(IMAGE, ROLE, 1, "ml.g5.xlarge", **said)
    made.set_hyperparameters(epochs=3, rate=0.01, name="x", deep=True)
    return made


def transformer(**more: Any) -> Transformer:
    return estimator().transformer(1, "ml.m5.large", output_path="s3://bucket/out", **more)


def tuner(**more: Any) -> HyperparameterTuner:
    ranges = {
        "rate": ContinuousParameter(0.001, 0.1, "Logarithmic"),
        "epochs": IntegerParameter(1, 9),
        "name": CategoricalParameter(["x", "y"]),
    }
    return HyperparameterTuner(estimator(), "ap", ranges, max_jobs=4, max_parallel_jobs=2, **more)


def processor(**more: Any) -> Processor:
    return Processor(ROLE, IMAGE, 1, "ml.t3.medium", entrypoint=["python3", "x.py"], **more)


IN = ProcessingInput("s3://bucket/raw", "/opt/ml/processing/input", "raw")
OUT = ProcessingOutput("/opt/ml/processing/output", "s3://bucket/ready")
RICH = estimator(
    use_spot_instances=True, max_wait=90_000, checkpoint_s3_uri="s3://bucket/c", tags=TAGS,
    volume_kms_key="k-1", output_kms_key="k-2", subnets=["subnet-1"], environment={"A": "b"},
    security_group_ids=["sg-0123456789abcdef0"], enable_network_isolation=True, input_mode="Pipe",
    encrypt_inter_container_traffic=True, model_uri="s3://bucket/model.tar.gz", max_run=80_000,
)  # fmt: skip
CAPTURE = DataCaptureConfig(True, 50, "s3://bucket/seen", "k-3")
#: Steps with their names said, and the operation that they call.
STEPS: list[tuple[Any, str]] = [
    (TrainingStep("S", estimator(), "job-1", "s3://bucket/data"), "sagemaker.CreateTrainingJob"),
    (TrainingStep("S", RICH, "job-1", {"train": TrainingInput("s3://bucket/a/", input_mode="File",
     content_type="text/csv"), "test": "s3://bucket/b/"}, {"epochs": 4}, 32, {"TrialName": "t"},
     tags=TAGS, output_data_config_path="s3://bucket/else"), "sagemaker.CreateTrainingJob"),
    (TransformStep("S", transformer(), "job-1", "model-1", "s3://bucket/in"),
     "sagemaker.CreateTransformJob"),
    (TransformStep("S", transformer(strategy="MultiRecord", accept="text/csv", max_payload=6,
     assemble_with="Line", env={"A": "b"}, max_concurrent_transforms=2, output_kms_key="k-1"),
     "job-1", "model-1", "s3://bucket/in", content_type="text/csv", split_type="Line",
     compression_type="Gzip", input_filter="$[1:]", output_filter="$.x", join_source="Input",
     tags=TAGS, experiment_config={"TrialName": "t"}), "sagemaker.CreateTransformJob"),
    (ModelStep("S", Model(IMAGE, "s3://bucket/model.tar.gz", ROLE, "model-1")),
     "sagemaker.CreateModel"),
    (ModelStep("S", Model(IMAGE, None, ROLE, env={"A": "b"}, subnets=["subnet-1"],
     security_group_ids=["sg-0123456789abcdef0"], enable_network_isolation=True), "model-2",
     tags=TAGS), "sagemaker.CreateModel"),
    (ModelStep("S", PipelineModel([Model(IMAGE, "s3://bucket/a.tar.gz", ROLE, env={"A": "b"}),
     Model(IMAGE, "s3://bucket/b.tar.gz", ROLE)], name="both")), "sagemaker.CreateModel"),
    (EndpointConfigStep("S", "config-1", "model-1", 2, "ml.m5.large", "mine", CAPTURE, TAGS),
     "sagemaker.CreateEndpointConfig"),
    (TuningStep("S", tuner(tags=TAGS), "tune-1", "s3://bucket/data"),
     "sagemaker.CreateHyperParameterTuningJob"),
    (ProcessingStep("S", processor(), "job-1", [IN], [OUT, ProcessingOutput(
     "/opt/ml/processing/logs", "s3://bucket/logs", "logs", "Continuous")], {"TrialName": "t"},
     ["--fast"], ["bash", "x.sh"], "k-1", tags=TAGS), "sagemaker.CreateProcessingJob"),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(STEPS)))
def test_what_is_sent_is_what_sagemaker_takes(place: int):
    step, operation = STEPS[place]
    (made,) = definition(step)["States"].values()
    service, _, name = operation.partition(".")
    accepted(service, name, made["Parameters"])
    assert made["Resource"].startswith(f"arn:aws:states:::sagemaker:{name[0].lower()}{name[1:]}")
    assert problems(definition(step)) == []


LATE: list[Any] = [
    TrainingStep("S", Estimator(INPUT["Image"], INPUT["Role"], INPUT["Count"], INPUT["Type"],
                 output_path=INPUT["Out"], max_run=INPUT["Seconds"]), data=INPUT["Data"]),
    TrainingStep("S", estimator(), data={"a": f"s3://{INPUT['Bucket']}/a/"},
                 hyperparameters=INPUT["Hyperparameters"]),
    TransformStep("S", transformer(), model_name=INPUT["Model"], data=INPUT["Data"]),
    ModelStep("S", Model(INPUT["Image"], INPUT["Data"], ROLE), INPUT["Model"]),
    EndpointConfigStep("S", INPUT["Name"], INPUT["Model"], INPUT["Count"], INPUT["Type"]),
    TuningStep("S", tuner(), data=INPUT["Data"]),
    ProcessingStep("S", processor(env={"A": INPUT["A"]}), inputs=[ProcessingInput(INPUT["Data"],
                   "/opt/ml/processing/x")], container_arguments=["--rows", INPUT["Rows"]]),
    CodeBuildStep("S", INPUT["Project"], StepInput()["Source"], StepInput()["Environment"]),
    BatchSubmitJobStep("S", job_queue=INPUT["Queue"], job_definition="d"),
]  # fmt: skip


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
@pytest.mark.parametrize("place", range(len(LATE)))
def test_any_field_may_be_known_at_run_time_only(place: int, language: str):
    assert problems(definition(LATE[place], query_language=language)) == []


def test_a_field_of_the_run_is_written_where_it_stands():
    made = definition(LATE[0])["States"]["S"]["Parameters"]
    assert made["ResourceConfig"]["InstanceCount.$"] == "$$.Execution.Input['Count']"
    assert made["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri.$"] == (
        "$$.Execution.Input['Data']"
    )
    assert made["StoppingCondition"] == {"MaxRuntimeInSeconds.$": "$$.Execution.Input['Seconds']"}
    assert definition(LATE[1])["States"]["S"]["Parameters"]["HyperParameters.$"] == (
        "$$.Execution.Input['Hyperparameters']"
    )


def test_parameters_lie_over_the_request():
    step = TrainingStep("S", estimator(), "j", parameters={"StoppingCondition": None, "X": 1})
    made = definition(step)["States"]["S"]["Parameters"]
    assert "StoppingCondition" not in made and made["X"] == 1


def test_hyperparameters_are_texts_and_the_steps_win():
    step = TrainingStep("S", estimator(), "j", hyperparameters={"rate": [1, 2]}, mini_batch_size=8)
    made = definition(step)["States"]["S"]["Parameters"]["HyperParameters"]
    assert made == {
        "epochs": "3", "rate": "[1, 2]", "name": "x", "deep": "true", "mini_batch_size": "8",
    }  # fmt: skip


def parameters(step: Any) -> dict[str, Any]:
    (made,) = definition(step)["States"].values()
    found: dict[str, Any] = made["Parameters"]
    return found


def test_a_model_to_begin_with_is_a_channel():
    step = TrainingStep("S", estimator(model_uri="s3://bucket/m.tar.gz"), "j", "s3://bucket/d")
    channels = parameters(step)["InputDataConfig"]
    assert [one["ChannelName"] for one in channels] == ["training", "model"]


def test_fields_that_step_functions_is_not_known_to_take_are_left_out():
    assert "ProfilerConfig" not in parameters(TrainingStep("S", estimator(), "j"))
    (variant,) = parameters(EndpointConfigStep("S", "c", "m"))["ProductionVariants"]
    assert variant.keys() == {
        "VariantName", "ModelName", "InitialVariantWeight", "InstanceType", "InitialInstanceCount",
    }  # fmt: skip


def test_a_processors_own_command_is_taken_unless_the_step_has_one():
    made = parameters(ProcessingStep("S", processor(), "j"))["AppSpecification"]
    assert made["ContainerEntrypoint"] == ["python3", "x.py"]


@pytest.mark.parametrize("direction", ["Maximize", "Minimize"])
def test_a_search_goes_where_it_is_told_to(direction: str):
    made = parameters(TuningStep("S", tuner(objective_type=direction), "j", "s3://bucket/d"))
    objective = made["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    assert objective == {"Type": direction, "MetricName": "ap"}


def test_a_tuning_jobs_own_name_fits_its_32_characters():
    name = parameters(TuningStep("Search for the very best of them", tuner()))
    said = name["HyperParameterTuningJobName.$"]
    assert said.startswith("States.Format('search-for-") and "States.UUID()" in said
    assert len(said.split("'")[1].replace("{}", "0" * 12)) <= 32


def test_no_wait_is_no_sync():
    step = TrainingStep("S", estimator(), "j", wait_for_completion=False)
    assert step.fields["resource"] == "arn:aws:states:::sagemaker:createTrainingJob"


def test_what_aws_would_refuse_is_refused_here():
    with pytest.raises(UsageError, match="InstanceType"):
        TrainingStep("S", estimator(extra={"ResourceConfig": {"InstanceType": "ml.m5.lrge"}}), "j")
    with pytest.raises(UsageError, match="output_path"):
        TrainingStep("S", Estimator(IMAGE, ROLE), "j")
    with pytest.raises(UsageError, match="no destination"):
        ProcessingStep("S", processor(), "j", outputs=["/opt/ml/processing/output"])


def test_the_expected_model_is_what_the_job_says_of_itself():
    train = TrainingStep("Train", estimator(), "job-1", "s3://bucket/data")
    model = train.get_expected_model()
    assert (model.name, model.image_uri, model.role) == ("job-1", IMAGE, ROLE)
    made = definition(Chain([train, ModelStep("Save", model)]))["States"]["Save"]["Parameters"]
    container = made["PrimaryContainer"]
    assert container["ModelDataUrl.$"] == "$['ModelArtifacts']['S3ModelArtifacts']"
    late = Estimator(StepInput()["Image"], ROLE, output_path="s3://bucket/out")
    model = TrainingStep("Train", late).get_expected_model()
    made = definition(ModelStep("Save", model))["States"]["Save"]["Parameters"]
    assert made["ModelName.$"] == "$['TrainingJobName']"
    assert made["PrimaryContainer"]["Image.$"] == "$['AlgorithmSpecification']['TrainingImage']"


# names


def test_a_name_has_room_for_redrives_and_retries():
    with pytest.raises(UsageError, match="up to 24"):
        execution_name("a" * 25)
    for bad in ("", "-a", "a_b", "a--b", "a."):
        with pytest.raises(UsageError, match="cannot begin"):
            execution_name(bad)
    assert len("a" * 24 + "-" + "0" * 32 + "-99-9") <= 63
    step = TrainingStep("Train all of the many cells now", estimator())
    name = definition(step)["States"]["Train all of the many cells now"]["Parameters"]
    assert name["TrainingJobName.$"].startswith("States.Format('train-all-of-th")


# CodeBuild, Batch


def test_a_build():
    step = CodeBuildStep("S", "project", "s3://bucket/src.zip", {"TAG": "1"})
    assert definition(step)["States"]["S"] == {
        "Type": "Task",
        "Resource": "arn:aws:states:::codebuild:startBuild.sync",
        "Parameters": {
            "ProjectName": "project",
            "SourceTypeOverride": "S3",
            "SourceLocationOverride": "bucket/src.zip",
            "EnvironmentVariablesOverride": [{"Name": "TAG", "Value": "1", "Type": "PLAINTEXT"}],
        },
        "End": True,
    }
    plain = CodeBuildStep("S", "project", environment={"A": INPUT["A"]}, wait_for_completion=False)
    made = definition(plain)["States"]["S"]
    assert made["Resource"] == "arn:aws:states:::codebuild:startBuild"
    assert made["Parameters"]["EnvironmentVariablesOverride"][0]["Value.$"] == (
        "$$.Execution.Input['A']"
    )


def test_a_job_of_batch():
    step = BatchSubmitJobStep("S", job_queue="q", job_definition="d", job_name="j")
    made = definition(step)["States"]["S"]
    assert made["Resource"] == "arn:aws:states:::batch:submitJob.sync"
    assert made["Parameters"] == {"JobName": "j", "JobQueue": "q", "JobDefinition": "d"}
    sdk = BatchSubmitJobStep("S", parameters={"JobName": "j", "JobQueue": "q"})
    assert definition(sdk)["States"]["S"]["Parameters"] == {"JobName": "j", "JobQueue": "q"}
