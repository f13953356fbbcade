"""clean and teardown: all of one project, nothing of another, in moto and on this machine."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byoa.aws.bucket import ensure_bucket
from byoa.aws.role import ensure_role
from byoa.aws.session import Session
from byoa.aws.storage import S3Storage
from byoa.clean import find, jobs_of, remove, stop, tagged
from byoa.place import Place
from byoa.plan.errors import ServiceError
from byoa.plan.iam import Access, role_policy
from byoa.plan.storage import Stored

ROLE = "arn:aws:iam::123456789012:role/r"
SMALL = "BUILD_GENERAL1_SMALL"
JOB = "train-20260101-000000-abcd"


@pytest.fixture
def place(monkeypatch):
    from moto import mock_aws

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody's")
    with mock_aws():
        yield aws(Session("eu-west-1"))


def aws(session):
    bucket = ensure_bucket(session)
    return Place(
        name="sagemaker", storage=S3Storage(session.client("s3"), f"s3://{bucket}"),
        sagemaker=session.client("sagemaker"), runtime=None, logs=session.client("logs"),
        session=session, region="eu-west-1",
    )  # fmt: skip


def tag(project):
    return [{"Key": "byoa:project", "Value": project}]


def model(place, project, name):
    container = {"Image": "i", "ModelDataUrl": "s3://b/m"}
    place.sagemaker.create_model(
        ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE, Tags=tag(project)
    )


def endpoint(place, project, name):
    model(place, project, f"{name}-model")
    variant = {
        "VariantName": "AllTraffic", "ModelName": f"{name}-model", "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }  # fmt: skip
    place.sagemaker.create_endpoint_config(
        EndpointConfigName=f"{name}-config", ProductionVariants=[variant], Tags=tag(project)
    )
    words = {"EndpointName": name, "EndpointConfigName": f"{name}-config"}
    place.sagemaker.create_endpoint(**words, Tags=tag(project))
    place.session.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{name}-Invocation5XXErrors", MetricName="m", Namespace="n", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
        Dimensions=[{"Name": "EndpointName", "Value": name}],
    )  # fmt: skip
    place.session.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker", ResourceId=f"endpoint/{name}/variant/AllTraffic",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount", MinCapacity=1, MaxCapacity=2,
    )  # fmt: skip
    place.logs.create_log_group(logGroupName=f"/aws/sagemaker/Endpoints/{name}")


def files(place, project, name):
    job = f"{name}-20260101-000000-abcd"
    for end in (f"task/{job}/output/model.tar.gz", f"task/state/{name}", "other/runs/1.json"):
        place.storage.write(f"{place.storage.base}/{project}/{end}", b"x")
    group = "/aws/sagemaker/TrainingJobs"
    if not place.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        place.logs.create_log_group(logGroupName=group)
    failed = f"{name}-20260102-000000-abcd"  # it left nothing but its record and its log
    run = f"{place.storage.base}/{project}/task-{name}/runs/000002.json"
    place.storage.write(run, json.dumps({"number": 2, "job": failed}).encode())
    for stream in (f"{job}/algo-1-1767225600", f"{failed}/algo-1-1767312000"):
        place.logs.create_log_stream(logGroupName=group, logStreamName=stream)


def repository(place, project, name):
    tags = tag(project)
    place.session.client("ecr").create_repository(repositoryName=name, tags=tags)


def role(place, project, name):
    access = Access(account="123456789012", region="eu-west-1", write=[f"s3://b/{project}/"])
    tags = {"byoa:project": project}
    ensure_role(place.session, f"byoa-{project}", role_policy(access), tags)


def builder(place, project, name):
    place.session.client("codebuild").create_project(
        name=f"byoa-{project}", source={"type": "S3", "location": "b/k"},
        artifacts={"type": "NO_ARTIFACTS"}, serviceRole=ROLE,
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": SMALL},
        tags=[{"key": "byoa:project", "value": project}],
    )  # fmt: skip


MAKERS = [endpoint, files, repository, model, role, builder]
ONCE = {role, builder}  # one a project


def inventory(place):
    """Every name in the account, so that whatever is lost is seen."""
    session, sagemaker = place.session, place.sagemaker
    s3, bucket = session.client("s3"), place.storage.base[5:]
    ecr = session.client("ecr").describe_repositories()["repositories"]
    logs, watch = place.logs, session.client("cloudwatch")
    scaling = session.client("application-autoscaling")
    group = "/aws/sagemaker/TrainingJobs"
    buckets = {one["Name"] for one in s3.list_buckets()["Buckets"]}
    keys = s3.list_objects_v2(Bucket=bucket).get("Contents", []) if bucket in buckets else []
    groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"] if group in groups else []
    configs = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    return {
        *(one["EndpointName"] for one in sagemaker.list_endpoints()["Endpoints"]),
        *(one["EndpointConfigName"] for one in configs),
        *(one["ModelName"] for one in sagemaker.list_models()["Models"]),
        *(one["Key"] for one in keys), *(one["repositoryName"] for one in ecr),
        *(one["RoleName"] for one in session.client("iam").list_roles()["Roles"]),
        *session.client("codebuild").list_projects()["projects"], *buckets,
        *(one for one in groups if one != group), *(one["logStreamName"] for one in streams),
        *(one["AlarmName"] for one in watch.describe_alarms()["MetricAlarms"]),
        *(one["ResourceId"] for one in targets),
    }  # fmt: skip


def make(place, project, wanted):
    for number, maker in enumerate(wanted):
        maker(place, project, f"{project}-{number}")


lists = st.lists(st.sampled_from(MAKERS), max_size=5).map(
    lambda made: [one for at, one in enumerate(made) if one not in ONCE or one not in made[:at]]
)


@pytest.mark.parametrize("names", [("proj", "proj2"), ("proj2", "proj"), ("a", "a-b")])
def test_one_project_goes_and_the_other_keeps_all(monkeypatch, names):
    """The property that simple-sagemaker's cleanFolder broke (S6)."""
    from moto import mock_aws

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody's")
    session = Session("eu-west-1")  # its clients outlive an example's account

    @settings(max_examples=12, deadline=None)
    @given(ours=lists, theirs=lists)
    def property_of(ours, theirs):
        with mock_aws():
            place = aws(session)
            make(place, names[1], theirs)
            kept = inventory(place)
            make(place, names[0], ours)
            found = find(place, names[0], everything=True)
            assert found.unseen == []
            assert remove(found.things, lambda _: None) == []
            own = place.storage.base[5:]
            assert inventory(place) | {own} == kept
            if files in theirs:
                assert own in inventory(place)  # the bucket holds their files

    property_of()


def test_clean_leaves_bucket_role_and_images(place):
    make(place, "cells", MAKERS)
    remove(find(place, "cells").things, lambda _: None)
    left = inventory(place)
    assert left == {"byoa-cells", "cells-2", place.storage.base[5:]}
    remove(find(place, "cells", everything=True).things, lambda _: None)
    assert inventory(place) == set()
    assert find(place, "cells", everything=True).things == []  # there is no bucket any more


def test_what_is_listed_is_in_the_order_in_which_it_can_be_removed(place):
    make(place, "cells", MAKERS)
    kinds = list(dict.fromkeys(one.kind for one in find(place, "cells", everything=True).things))
    assert kinds == [
        "endpoint", "scaling", "alarm", "log group", "endpoint config", "model", "log stream",
        "build project", "stored", "repository", "role", "old versions", "bucket",
    ]  # fmt: skip


def test_a_bucket_of_yours_stays(place):
    s3 = place.session.client("s3")
    where = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="yours", CreateBucketConfiguration=where)
    mine = Place(**{**vars(place), "storage": S3Storage(s3, "s3://yours")})
    mine.storage.write("s3://yours/cells/task/state/x", b"x")
    remove(find(mine, "cells", everything=True).things, lambda _: None)
    assert "yours" in {one["Name"] for one in s3.list_buckets()["Buckets"]}
    assert "Contents" not in s3.list_objects_v2(Bucket="yours")


def test_uploads_that_were_cut_go(place):
    s3, bucket = place.session.client("s3"), place.storage.base[5:]
    for key in ("cells/task/input/data/large", "cells2/large"):
        s3.create_multipart_upload(Bucket=bucket, Key=key)
    found = find(place, "cells")
    assert [(one.kind, one.name) for one in found.things] == [
        ("unfinished upload", "cells/task/input/data/large")
    ]
    assert remove(found.things, lambda _: None) == []
    left = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [one["Key"] for one in left] == ["cells2/large"]


def test_old_versions_go_with_teardown(place):
    uri = f"{place.storage.base}/cells/task/state/x"
    for data in (b"1", b"2"):
        place.storage.write(uri, data)
    place.storage.delete(uri)
    found = find(place, "cells", everything=True)
    assert [one.kind for one in found.things] == ["old versions", "bucket"]
    assert remove(found.things, lambda _: None) == []


def test_a_role_that_only_has_the_name_stays(place):
    iam = place.session.client("iam")
    iam.create_role(RoleName="byoa-cells", AssumeRolePolicyDocument=json.dumps({}))
    assert not [one for one in find(place, "cells", everything=True).things if one.kind == "role"]


def test_a_role_with_policies_attached_by_hand_goes(place):
    role(place, "cells", "")
    iam = place.session.client("iam")
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = iam.create_policy(PolicyName="extra", PolicyDocument=text)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="byoa-cells", PolicyArn=arn)
    assert remove(find(place, "cells", everything=True).things, lambda _: None) == []
    assert iam.list_roles()["Roles"] == []


def test_what_cannot_be_removed_is_told_and_the_rest_goes(place):
    make(place, "cells", [endpoint, files])
    found = find(place, "cells")

    def refuse():
        raise ServiceError("AccessDeniedException", "no", "DeleteModel")

    things = [one._replace(remove=refuse) if one.kind == "model" else one for one in found.things]
    failed = remove(things, lambda _: None)
    assert len(failed) == 1 and failed[0].startswith("model cells-0-model is still there: ")
    assert inventory(place) == {"cells-0-model", place.storage.base[5:]}


def test_what_was_deleted_meanwhile_is_no_failure(place):
    make(place, "cells", [endpoint, repository, role])
    things = find(place, "cells", everything=True).things
    assert remove(things, lambda _: None) == []
    assert remove(things, lambda _: None) == []


def test_what_may_not_be_looked_at_hides_nothing_else(place):
    make(place, "cells", [endpoint])

    class Blind:
        def __getattr__(self, name):
            return getattr(place.sagemaker, name)

        def list_models(self, **_):
            raise ServiceError("AccessDeniedException", "no", "ListModels")

    found = find(Place(**{**vars(place), "sagemaker": Blind()}), "cells")
    assert len(found.unseen) == 1
    assert "cells-0" in {one.name for one in found.things}


class Jobs:
    """A job that stops after some looks."""

    def __init__(self, looks):
        self.looks, self.stopped = looks, []

    def stop_training_job(self, TrainingJobName):
        self.stopped.append(TrainingJobName)

    def describe_training_job(self, TrainingJobName):
        self.looks -= 1
        return {"TrainingJobStatus": "Stopping" if self.looks >= 0 else "Stopped"}


def test_a_running_job_is_stopped_and_waited_for(place):
    slept: list[float] = []
    jobs = Jobs(3)
    stop(Place(**{**vars(place), "sagemaker": jobs}), "training job", "j", sleep=slept.append)
    assert jobs.stopped == ["j"] and len(slept) == 3


def test_a_job_that_is_stopping_is_waited_for(place):
    class Stopping(Jobs):
        def stop_training_job(self, TrainingJobName):
            text = "The request was rejected because the training job is in status Stopping."
            raise ServiceError("ValidationException", text, "StopTrainingJob")

    slept: list[float] = []
    mine = Place(**{**vars(place), "sagemaker": Stopping(3)})
    stop(mine, "training job", "j", sleep=slept.append)
    assert len(slept) == 3


def test_an_accounts_finished_jobs_are_not_asked_for(place):
    asked = []

    class Listed:
        def list_training_jobs(self, **words):
            asked.append(words)
            return {"TrainingJobSummaries": []}

    mine = Place(**{**vars(place), "sagemaker": Listed()})
    assert list(tagged(mine, "cells", "training job")) == []
    assert [one["StatusEquals"] for one in asked] == ["InProgress", "Stopping"]


def test_a_job_that_does_not_stop_is_told(place):
    with pytest.raises(TimeoutError, match="did not stop within 300 s"):
        mine = Place(**{**vars(place), "sagemaker": Jobs(10**6)})
        stop(mine, "training job", "j", sleep=lambda _: None)


def test_jobs_by_their_folders():
    names = [f"t/{JOB}/output/m", f"t/{JOB}/source/s", "t/input/20260101/x", "t/state/a", "loose"]
    assert jobs_of(Stored(name, 1, "e") for name in names) == [JOB]
