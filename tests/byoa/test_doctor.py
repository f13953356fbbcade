"""`byoa doctor`: each thing that can be missing is found, with its fix."""

from __future__ import annotations

import json
import stat
from datetime import datetime, timedelta, timezone

import pytest
from botocore.stub import Stubber

from byoa.aws import doctor as aws
from byoa.aws.bucket import ensure_bucket
from byoa.aws.role import ensure_role
from byoa.aws.session import Session
from byoa.cli.main import main
from byoa.doctor import checkup, machine, programs
from byoa.plan.iam import Access, role_policy
from byoa.plan.image import MULTI_MODEL_LABEL, ImageFacts
from byoa.settings import Settings
from tests.byoa.aws.faulty import Answer, faulty

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
NEEDED = role_policy(
    Access(account="123456789012", region="eu-west-1", write=["s3://b/cells/"])
)  # fmt: skip


@pytest.fixture
def session(monkeypatch):
    from moto import mock_aws

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody's")
    with mock_aws():
        yield Session("eu-west-1")


@pytest.fixture
def fake_docker(tmp_path, monkeypatch):
    """A program `docker` that runs these lines of shell."""

    def write(*lines):
        path = tmp_path / "bin" / "docker"
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n" + "\n".join(lines) + "\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")

    return write


def states(findings):
    return [(one.name, one.state) for one in findings]


def test_docker_answers(fake_docker):
    fake_docker("echo 28.2.2")
    assert list(machine(True)) == [aws.Finding("docker", "ok", "28.2.2")]


def test_no_docker(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = machine(False)
    assert (found.state, found.text) == ("warn", "docker is not on PATH.")
    assert "--on codebuild" in found.fix
    assert next(machine(True)).state == "FAIL"


def test_a_daemon_that_does_not_answer(fake_docker):
    fake_docker(
        "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2; exit 1"
    )
    (found,) = machine(True)
    assert found.state == "FAIL" and "Cannot connect" in found.text and "Start it" in found.fix


def test_who_calls_and_whether_the_clock_fits(session):
    found = list(aws.credentials(session, aws.utc))
    assert states(found) == [("credentials", "ok"), ("clock", "ok")]
    assert "arn:aws:sts::123456789012:user/moto in eu-west-1" in found[0].text


@pytest.mark.parametrize(("seconds", "state"), [(-301, "FAIL"), (299, "warn"), (900, "FAIL")])
def test_a_clock_that_is_off(session, seconds, state):
    found = list(aws.credentials(session, lambda: aws.utc() + timedelta(seconds=seconds)))
    assert states(found)[1] == ("clock", state)
    assert "timedatectl" in found[1].fix


def test_no_credentials(monkeypatch):
    found = aws.credentials(Session("eu-west-1"), aws.utc)
    assert states(found) == [("credentials", "FAIL")]
    assert "aws configure" in found[0].fix


def test_no_region(session):
    found = aws.credentials(Session(), aws.utc)
    assert states(found) == [("credentials", "FAIL")] and "--region" in found[0].fix


def test_sagemaker_out_of_reach_or_refused(session):
    assert states(aws.sagemaker(session)) == [("sagemaker", "ok")]
    with Stubber(session.client("sagemaker")) as stub:
        stub.add_client_error("list_endpoints", "AccessDeniedException", "no", 400)
        found = aws.sagemaker(session)
    assert found[0].state == "FAIL" and '"Action": "sagemaker:ListEndpoints"' in found[0].fix


def test_a_region_that_does_not_exist(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody's")
    with faulty(Answer()) as server:
        url = server.url
    session = Session("eu-wst-1", endpoint=url, attempts=1)
    found = aws.credentials(session, aws.utc)
    assert found[0].state == "FAIL" and "Is there such a region" in found[0].fix


def test_the_bucket(session):
    def look(name):
        return aws.bucket(session, name)[0]

    assert "the first job makes it" in look("byoa-123456789012-eu-west-1").text
    name = ensure_bucket(session)
    assert look(name).text == f"{name} is ours, in eu-west-1"
    where = {"LocationConstraint": "us-west-2"}
    far = Session("us-west-2").client("s3")
    far.create_bucket(Bucket="far", CreateBucketConfiguration=where)
    assert look("far").state == "FAIL" and "--region us-west-2" in look("far").fix


def look_at_role(session, name="byoa-cells"):
    return list(aws.role(session, name, NEEDED))


def test_a_role_that_is_not_there_is_made_later(session):
    assert states(look_at_role(session)) == [("role", "ok")]


def test_byoa_s_own_role_is_healthy(session):
    ensure_role(session, "byoa-cells", NEEDED, {"byoa:project": "cells"})
    assert states(look_at_role(session)) == [("role", "ok")]
    assert states(look_at_role(session, "arn:aws:iam::123456789012:role/byoa-cells")) == [
        ("role", "ok")
    ]


def own_role(session, principal, *statements):
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    iam = session.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="byoa-cells", AssumeRolePolicyDocument=document)
    for number, statement in enumerate(statements):
        text = json.dumps({"Version": "2012-10-17", "Statement": statement})
        iam.put_role_policy(RoleName="byoa-cells", PolicyName=f"p{number}", PolicyDocument=text)
    return iam


def test_a_role_that_does_not_trust_sagemaker(session):
    own_role(session, {"Service": "ec2.amazonaws.com"})
    found = look_at_role(session)
    assert states(found) == [("role trust", "FAIL"), ("role policy", "FAIL")]
    assert "aws iam update-assume-role-policy --role-name byoa-cells" in found[0].fix


def test_what_a_role_may_not_is_named(session):
    almost = [
        {"Effect": "Allow", "Action": ["s3:Get*", "S3:PutObject"], "Resource": "arn:aws:s3:::b/*"},
        {"Effect": "Allow", "Action": "logs:*", "Resource": "*"},
    ]
    own_role(session, {"Service": ["ec2.amazonaws.com", "sagemaker.amazonaws.com"]}, almost)
    (found,) = look_at_role(session)
    assert "s3:DeleteObject on arn:aws:s3:::b/cells/*" in found.text
    assert "cloudwatch:PutMetricData on *" in found.text
    assert "s3:GetObject" not in found.text and "logs:" not in found.text


def test_attached_policies_count_too(session):
    iam = own_role(session, {"Service": "sagemaker.amazonaws.com"})
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": everything})
    arn = iam.create_policy(PolicyName="all", PolicyDocument=text)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="byoa-cells", PolicyArn=arn)
    assert states(look_at_role(session)) == [("role", "ok")]


def facts(**changed):
    said = {
        "uri": "x:1", "digest": "sha256:0", "media_type": DOCKER, "architecture": "amd64",
        "labels": {"byoa.hyperparameters": "{}"}, "size_bytes": 3 << 30, **changed,
    }  # fmt: skip
    return ImageFacts(**said)


@pytest.mark.parametrize(("changed", "instance", "name", "state", "words"), [
    ({}, "", "image", "ok", "amd64"),
    ({"architecture": "arm64"}, "", "image", "FAIL", "built for arm64"),
    ({"media_type": "application/vnd.oci.image.index.v1+json"}, "", "image", "FAIL", "an index"),
    ({"size_bytes": 11 << 30}, "", "image size", "warn", "serverless"),
    ({"labels": {}}, "", "image labels", "warn", "hyperparameters"),
    ({"labels": {"byoa.only": "serve"}}, "", "image labels", "ok", "only serves"),
    ({"labels": {MULTI_MODEL_LABEL: "true"}}, "", "image models", "ok", "--multi-model"),
    ({"labels": {MULTI_MODEL_LABEL: "yes"}}, "", "image models", "ok", "no label com.amazonaws"),
    ({"labels": {"byoa.cuda.version": "12.8"}}, "", "image models", "ok", "without GPUs only"),
    ({"labels": {"byoa.cuda.version": "12.8"}}, "ml.g5.xlarge", "cuda", "ok", "driver 525"),
    ({"labels": {"byoa.cuda.version": "12.8"}}, "ml.m5.large", "cuda", "ok", "no GPU"),
    ({"labels": {"byoa.cuda.version": "14.0", "byoa.cuda.minimum-driver": "999.1"}},
     "ml.g5.xlarge", "cuda", "FAIL", "999"),
])  # fmt: skip
def test_an_image(changed, instance, name, state, words):
    found = [one for one in aws.image_findings(facts(**changed), instance) if one.name == name]
    assert [one.state for one in found] == [state]
    assert words in found[0].text
    if name == "image models":  # whoever needs many is told how
        assert ("--packages serve" in found[0].fix) == ("--multi-model" not in found[0].text)


def quota(name, value):
    return {"QuotaName": name, "QuotaCode": "L-1", "Value": value}


def test_quotas_of_the_instance_type(session):
    pages = [
        {"Quotas": [quota("ml.p3.2xlarge for training job usage", 0.0)], "NextToken": "2"},
        {"Quotas": [quota("ml.p3.2xlarge for spot training job usage", 4.0)]},
    ]
    with Stubber(session.client("service-quotas")) as stub:
        for page in pages:
            stub.add_response("list_service_quotas", page)
        found = list(aws.quotas(session, "ml.p3.2xlarge"))
    assert [one.state for one in found] == ["FAIL", "ok", "warn"]
    assert "request-service-quota-increase" in found[0].fix and "--quota-code L-1" in found[0].fix
    assert found[1].text == "4 ml.p3.2xlarge for spot training job usage"


def test_programs_of_an_image(fake_docker, tmp_path):
    """The probe runs here as it would in the image."""
    image = tmp_path / "image"
    image.mkdir()
    fake_docker('case "$*" in *doctor*) echo "exec: doctor: not found" >&2; exit 127 ;; esac',
                f'PATH={image}:/usr/bin:/bin; shift 7; exec /bin/sh "$@"')  # fmt: skip
    found = list(programs("x:1"))
    assert [one.text for one in found] == ["train is not on PATH.", "serve is not on PATH."]
    assert [one.state for one in found] == ["FAIL", "FAIL"]
    (image / "train").write_text("#!/bin/sh\n")
    (image / "train").chmod(0o755)
    assert states(programs("x:1")) == [("image programs", "warn")]  # it may only train
    (image / "train").chmod(0o644)
    (image / "serve").write_bytes(b"#!/bin/sh\r\necho\r\n")
    (image / "serve").chmod(0o755)
    found = list(programs("x:1"))
    assert [one.text.rpartition("/")[2] for one in found] == [
        "train is not executable.", "serve has Windows line ends.",
    ]  # fmt: skip
    assert "chmod +x" in found[0].fix and "eol=lf" in found[1].fix
    (image / "train").chmod(0o755)
    (image / "serve").write_text("#!/bin/sh\n")
    assert states(programs("x:1")) == [("image programs", "ok")]


def test_the_image_s_own_doctor_is_heard(fake_docker):
    fake_docker('case "$*" in *doctor*) echo "FAIL imports"; echo "1 to repair"; exit 1 ;; esac')
    assert states(programs("x:1"))[-1] == ("image doctor", "FAIL")
    fake_docker('case "$*" in *doctor*) echo "ok python"; echo healthy ;; esac')
    assert list(programs("x:1"))[-1].text == "healthy"


def test_the_whole_of_it_in_an_account(session):
    found = list(checkup(Settings(project="cells", on="sagemaker", region="eu-west-1")))
    names = [one.name for one in found]
    assert names[:1] == ["docker"]
    assert names[1:] == ["credentials", "clock", "sagemaker", "bucket", "role"]


def test_nothing_more_is_asked_without_credentials():
    found = list(checkup(Settings(project="cells", on="sagemaker", region="eu-west-1")))
    assert states(found)[1:] == [("credentials", "FAIL")]


def test_the_command_says_what_it_found(fake_docker, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    fake_docker("exit 1")
    assert main(["doctor", "--on", "docker"]) == 1
    said = capsys.readouterr().out
    assert "FAIL  docker" in said and "-> Start it" in said and "1 to repair" in said
    fake_docker("echo 28.2.2")
    assert main(["doctor", "--on", "docker", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0] == {
        "name": "docker", "state": "ok", "text": "28.2.2", "fix": "",
    }  # fmt: skip


def test_the_policy_that_the_user_needs(session, capsys):
    assert main(["doctor", "--policy", "-p", "cells", "--region", "eu-west-1"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert "arn:aws:iam::123456789012:role/byoa-cells" in json.dumps(document)


def test_now_is_in_utc():
    assert datetime.now(timezone.utc) - aws.utc() < timedelta(seconds=5)
