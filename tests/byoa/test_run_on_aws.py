"""A task on AWS: S3, IAM and STS are moto's; SageMaker answers what a test tells it to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from byoa import run, transform
from byoa.aws.session import Session
from byoa.aws.storage import S3Storage
from byoa.place import Place, open_place
from byoa.plan.errors import JobFailedError, ServiceError, UsageError
from byoa.settings import Settings, load
from byoa.task import Image, Input, Program, Task

BUCKET = "byoa-123456789012-eu-west-1"
CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a"
    " different ML instance type."
)
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine@sha256:" + "0" * 64


@dataclass
class SageMaker:
    """boto3's methods. Each create takes the next of `ends`: an error, a failure reason, or ""."""

    ends: list[Any] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def create_training_job(self, **request: Any) -> None:
        self.asked.append(request)
        end = self.ends.pop(0) if self.ends else ""
        if isinstance(end, Exception):
            raise end
        waited = end == "MaxWaitTimeExceeded"
        self.jobs[request["TrainingJobName"]] = {
            "TrainingJobArn": f"arn:aws:sagemaker:::{request['TrainingJobName']}",
            "TrainingJobStatus": "Stopped" if waited else "Failed" if end else "Completed",
            "SecondaryStatus": end if waited else "Completed",
            "FailureReason": "" if waited else end,
            "ResourceConfig": request["ResourceConfig"],
            "CreationTime": datetime.now(timezone.utc),
            "TrainingTimeInSeconds": 3600,
            "BillableTimeInSeconds": 900,
            "EnableManagedSpotTraining": request["EnableManagedSpotTraining"],
        }

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:
        if TrainingJobName not in self.jobs:
            raise ServiceError(
                "ValidationException", "Requested resource not found.", "DescribeTrainingJob"
            )
        return self.jobs[TrainingJobName]


class Logs:
    """CloudWatch that has one line of each job."""

    def describe_log_streams(self, **request: Any) -> dict[str, Any]:
        prefix = request["logStreamNamePrefix"]
        return {"logStreams": [{"logStreamName": f"{prefix}algo-1-1700000000"}]}

    def get_log_events(self, **request: Any) -> dict[str, Any]:
        event = {"timestamp": 1_700_000_000_000, "message": "the last line"}
        return {"events": [] if "nextToken" in request else [event], "nextForwardToken": "end"}


@dataclass
class Aws:
    place: Place
    sagemaker: SageMaker
    settings: Settings

    def run(self, **fields: Any) -> run.Outcome:
        return run.run_task(task(**fields), self.place, self.settings)

    def client(self, service: str) -> Any:
        return self.place.session.client(service)


def task(**fields: Any) -> Task:
    program = Program(script=Path("train.py"))
    return Task(**{"project": "demo", "name": "first", "program": program,
                   "image": Image(uri="process://"), **fields})  # fmt: skip


@pytest.fixture
def aws(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    Path("train.py").write_text("print(1)\n")
    with mock_aws():
        session = Session("eu-west-1")
        sagemaker = SageMaker()
        storage = S3Storage(session.client("s3"), f"s3://{BUCKET}")
        place = Place(
            "sagemaker", storage, sagemaker, None, Logs(), session=session, region=session.region
        )
        yield Aws(place, sagemaker, load(None, {"project": "demo"}))


def test_bucket_role_and_code_are_there_when_the_job_is_created(aws: Aws):
    outcome = aws.run()
    (request,) = aws.sagemaker.asked
    role = aws.client("iam").get_role(RoleName="byoa-demo")["Role"]
    assert request["RoleArn"] == role["Arn"]
    assert {"Key": "byoa:project", "Value": "demo"} in role["Tags"]
    closed = aws.client("s3").get_public_access_block(Bucket=BUCKET)
    assert all(closed["PublicAccessBlockConfiguration"].values())
    source = f"{aws.place.storage.base}/demo/first/{outcome.run.job}/source/"
    assert [item.name for item in aws.place.storage.objects(source)] == ["sourcedir.tar.gz"]
    assert request["CheckpointConfig"]["S3Uri"] == f"s3://{BUCKET}/demo/first/state/"
    assert request["OutputDataConfig"]["S3OutputPath"] == f"s3://{BUCKET}/demo/first"
    assert request["StoppingCondition"]["MaxWaitTimeInSeconds"] == 86400


def test_what_aws_would_refuse_is_told_before_an_input_is_sent(aws: Aws):
    Path("data").mkdir()
    Path("data", "rows.csv").write_text("1,2\n")
    inputs = [Input(name="training", where="data")]
    with pytest.raises(UsageError, match="takes at most 2,500 characters"):
        aws.run(inputs=inputs, hyperparameters={"text": "x" * 2501})
    assert list(aws.place.storage.objects(aws.place.storage.base)) == []
    assert aws.client("iam").list_roles()["Roles"] == []
    aws.run(inputs=inputs, hyperparameters={"text": "x" * 2400})
    assert len(list(aws.place.storage.objects(f"{aws.place.storage.base}/demo/first/input/"))) == 1


def test_the_bucket_of_an_input_is_added_to_the_roles_policy(aws: Aws):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="theirs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="theirs", Key="all/persons.json", Body=b"{}")
    item = Input(name="persons", where="s3://theirs/all/persons.json")
    aws.run(inputs=[item])
    policy = aws.client("iam").get_role_policy(RoleName="byoa-demo", PolicyName="byoa")
    text = json.dumps(policy["PolicyDocument"])
    assert "theirs" in text
    aws.run(inputs=[], force=True)
    policy = aws.client("iam").get_role_policy(RoleName="byoa-demo", PolicyName="byoa")
    assert "theirs" in json.dumps(policy["PolicyDocument"]), "a running job may need it"


def test_a_key_of_yours_is_added_to_the_roles_policy(aws: Aws):
    aws.run(job={"kms_key": "1234abcd"})
    policy = aws.client("iam").get_role_policy(RoleName="byoa-demo", PolicyName="byoa")
    assert "arn:aws:kms:eu-west-1:123456789012:key/1234abcd" in json.dumps(policy["PolicyDocument"])


@pytest.mark.parametrize("name", ["..", ".", "../state", "a/b", "", "x" * 65])
def test_an_input_whose_name_is_no_folder_is_refused_before_anything_is_sent(name: str):
    with pytest.raises(UsageError, match="The input's name is"):
        Input(name=name, where=".")


def test_what_a_transform_reads_is_added_to_the_roles_policy(aws: Aws):
    model = f"s3://{BUCKET}/demo/models/1/model.tar.gz"
    data, image = "s3://theirs/pictures/", "process:///algorithm"
    transform.plan(aws.place, aws.settings, data, model=model, image=image)
    policy = aws.client("iam").get_role_policy(RoleName="byoa-demo", PolicyName="byoa")
    assert "arn:aws:s3:::theirs/pictures/*" in json.dumps(policy["PolicyDocument"])


def test_a_dry_run_takes_a_role_by_its_name(aws: Aws):
    place = replace(aws.place, role="mine")
    made = run.dry_run(task(), place, aws.settings)["create_training_job"]
    assert made["RoleArn"] == "arn:aws:iam::123456789012:role/mine"


def test_the_second_run_is_skipped_and_another_input_runs(aws: Aws):
    assert aws.run().action == "new"
    assert aws.run().action == "skip"
    Path("train.py").write_text("print(2)\n")
    assert "train.py changed" in aws.run().why
    assert len(aws.sagemaker.asked) == 2


def test_a_role_that_the_user_names_is_left_as_it_is(aws: Aws):
    place = Place(
        "sagemaker", aws.place.storage, aws.sagemaker, None, Logs(),
        session=aws.place.session, role="arn:aws:iam::123456789012:role/mine", region="eu-west-1",
    )  # fmt: skip
    run.run_task(task(), place, aws.settings)
    assert aws.sagemaker.asked[0]["RoleArn"] == place.role
    assert aws.client("iam").list_roles()["Roles"] == []


def test_without_capacity_the_next_type_is_tried_and_at_last_on_demand(
    aws: Aws, capsys: pytest.CaptureFixture[str]
):
    aws.sagemaker.ends = [CAPACITY, "MaxWaitTimeExceeded", ""]
    outcome = aws.run(types=["ml.g5.xlarge", "ml.g4dn.xlarge"], on_demand_fallback=True)
    first, second, third = aws.sagemaker.asked
    assert [first["ResourceConfig"]["InstanceType"], second["ResourceConfig"]["InstanceType"]] == [
        "ml.g5.xlarge", "ml.g4dn.xlarge"
    ]  # fmt: skip
    assert third["EnableManagedSpotTraining"] is False
    assert third["ResourceConfig"]["InstancePreferences"] == [
        {"InstanceType": "ml.g5.xlarge"}, {"InstanceType": "ml.g4dn.xlarge"}
    ]  # fmt: skip
    assert len({request["TrainingJobName"] for request in aws.sagemaker.asked}) == 3
    assert outcome.described["TrainingJobStatus"] == "Completed"
    said = capsys.readouterr().err
    assert "Nothing to be had of ml.g5.xlarge (spot): trying ml.g4dn.xlarge (spot)." in said


def test_capacity_alone_ends_it_when_nothing_else_was_allowed(aws: Aws):
    aws.sagemaker.ends = [CAPACITY]
    with pytest.raises(JobFailedError, match="CapacityError") as raised:
        aws.run(types=["ml.g5.xlarge"])
    assert "--it" in str(raised.value) or "--on_demand_fallback" in str(raised.value)


def test_a_failure_that_is_the_users_is_never_tried_again(aws: Aws):
    aws.sagemaker.ends = ["AlgorithmError: ExecuteUserScriptError: byoa_launch.py exit code: 1"]
    with pytest.raises(JobFailedError, match=r"train\.py exit code: 1"):
        aws.run(types=["ml.g5.xlarge", "ml.g4dn.xlarge"], on_demand_fallback=True)
    assert len(aws.sagemaker.asked) == 1


def test_a_script_that_speaks_of_capacity_is_not_tried_elsewhere(aws: Aws):
    aws.sagemaker.ends = ["AlgorithmError: CapacityError of my own"]
    with pytest.raises(JobFailedError):
        aws.run(types=["ml.g5.xlarge", "ml.g4dn.xlarge"])
    assert len(aws.sagemaker.asked) == 1


def test_no_quota_for_a_type_is_like_no_capacity(aws: Aws):
    quota = ServiceError("ResourceLimitExceeded", "The account-level service limit …", "Create")
    aws.sagemaker.ends = [quota]
    aws.run(types=["ml.p5.48xlarge", "ml.g5.xlarge"])
    assert aws.sagemaker.asked[1]["ResourceConfig"]["InstanceType"] == "ml.g5.xlarge"
    aws.sagemaker.ends = [quota]
    with pytest.raises(ServiceError):
        aws.run(types=["ml.p5.48xlarge"], force=True)


def test_a_claim_whose_driver_died_is_taken_up_under_its_name(aws: Aws):
    aws.sagemaker.ends = [KeyError("the driver dies here")]
    with pytest.raises(KeyError):
        aws.run()
    outcome = aws.run()
    assert outcome.action == "create"
    first, second = aws.sagemaker.asked
    assert first["TrainingJobName"] == second["TrainingJobName"] == outcome.run.job


def test_a_job_that_another_driver_created_meanwhile_is_joined(aws: Aws):
    taken = ServiceError("ResourceInUse", "Job name must be unique", "CreateTrainingJob")
    real = aws.sagemaker.create_training_job

    def late(**request: Any) -> None:
        real(**request)
        raise taken

    aws.sagemaker.create_training_job = late  # type: ignore[method-assign]
    assert aws.run().described["TrainingJobStatus"] == "Completed"


def test_the_cost_and_what_spot_saved_are_in_the_summary(aws: Aws):
    from byoa import results

    outcome = aws.run()
    found = results.summary(aws.place, outcome.where, outcome.run, outcome.described)
    assert found["saving_percent"] == 75
    assert (found["seconds"], found["billable_seconds"]) == (3600, 900)


def test_the_text_of_a_failure_has_the_last_line_of_the_host(aws: Aws):
    from byoa.follow import watch

    aws.sagemaker.ends = ["InternalServerError: We encountered an internal error."]
    with pytest.raises(JobFailedError):
        aws.run()
    (name,) = aws.sagemaker.jobs
    from byoa.record import Run

    watched = watch(aws.place, Run(job=name), quiet=True)
    with pytest.raises(JobFailedError, match="Last lines of algo-1:\n  the last line"):
        run.end_of(watched)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"image": Image(framework="pytorch")}, "pytorch-training"),
        ({"image": Image(framework="tensorflow")}, "tensorflow-training"),
        ({"image": Image(uri=IMAGE)}, "mine@sha256"),
    ],
)
def test_dry_run_asks_nobody_but_for_the_names(aws: Aws, fields: Any, where: str):
    class Nobody:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"{name} was called")

    role = "arn:aws:iam::123456789012:role/mine"
    place = Place(
        "sagemaker", S3Storage(Nobody(), f"s3://{BUCKET}"), Nobody(), None, None,
        session=Nobody(), role=role, region="eu-west-1",
    )  # fmt: skip
    made = run.dry_run(task(**fields), place, aws.settings)["create_training_job"]
    assert where in made["AlgorithmSpecification"]["TrainingImage"]


def test_a_spot_interruption_can_not_be_asked_of_aws(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from byoa.cli.main import main

    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    words = ["run", "-p", "d", "-t", "t", "-e", "x.py", "--on", "sagemaker", "-b", "a-bucket"]
    assert main([*words, "--interrupt-after", "3"]) == 2
    assert "only AWS can do" in capsys.readouterr().err


def test_where_it_runs_without_a_word_depends_on_credentials(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    assert open_place(load()).name == "process"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        assert open_place(load(None, {"region": "eu-west-1"})).name == "sagemaker"
    with pytest.raises(UsageError, match="There is no place 'moon'"):
        open_place(load(None, {"on": "moon"}))
