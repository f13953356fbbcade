"""Sessions: clients, regions, and what the wire does to a call: asked again or not, told."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from byoa import __version__
from byoa.aws.session import Session
from byoa.plan.advice import explain, situation
from byoa.plan.errors import UsageError
from tests.byoa.aws.faulty import Answer, faulty, session_at

JSON = {"Content-Type": "application/x-amz-json-1.1"}


def refusal(code: str, message: str = "", status: int = 400) -> Answer:
    body = json.dumps({"__type": code, "message": message}).encode()
    return Answer(status, body, JSON)


def test_a_client_is_made_once_even_by_many_threads(session):
    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(session.client, ["s3"] * 16))
    assert len({id(client) for client in clients}) == 1


def test_the_account_and_the_partition(session):
    assert session.account == "123456789012"
    assert session.partition == "aws"
    assert Session("cn-north-1").partition == "aws-cn"


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_comes_from_the_environment_too(monkeypatch, variable):
    monkeypatch.setenv(variable, "ap-south-1")
    assert Session().region == "ap-south-1"
    assert Session("eu-west-1").region == "eu-west-1"


def test_no_region_is_told_before_any_call():
    with pytest.raises(UsageError, match=r"No AWS region is set\. Say --region"):
        Session().client("s3")


def test_a_profile_that_is_not_there_is_told():
    with pytest.raises(Exception) as caught:
        Session("eu-west-1", profile="work").client("s3")
    assert situation(caught.value) == "profile-missing"


def test_no_credentials_are_told(monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with faulty(Answer()) as server, pytest.raises(Exception) as caught:
        session_at(server.url).client("sagemaker").list_models()
    assert situation(caught.value) == "no-credentials"
    assert server.asked == []


def test_half_credentials_are_told(monkeypatch):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with faulty(Answer()) as server, pytest.raises(Exception) as caught:
        session_at(server.url).client("sagemaker").list_models()
    assert situation(caught.value) == "partial-credentials"


def test_an_error_names_service_and_resource(session):
    """S3 does not say which bucket is missing."""
    s3 = session.client("s3")
    with pytest.raises(s3.exceptions.NoSuchBucket) as caught:
        s3.get_object(Bucket="data", Key="cells/a.png")
    assert "There is no bucket data/cells/a.png." in str(explain(caught.value))


#: (what the wire does, the situation, whether byoa asks again)
WIRE = [
    (refusal("ThrottlingException", "Rate exceeded"), "throttled", True),
    (refusal("InternalFailure", "", 500), "service-error", True),
    (Answer(503, b"<html>busy</html>"), "service-error", True),
    (Answer(200, b'{"Models": [', JSON, cut=5), "cut-connection", True),
    (refusal("AccessDeniedException", "User: u is not authorized to perform: sagemaker:ListModels"),
     "access-denied", False),
    (refusal("ExpiredTokenException", "The security token is expired"), "expired-token", False),
    (refusal("ResourceLimitExceeded", "limit 'x' is 0 Instances"), "instance-quota", False),
    (refusal("CapacityError", "none free"), "capacity", False),
    (refusal("ValidationException", "Could not find model"), "gone", False),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "name", "again"), WIRE, ids=lambda one: str(one)[:20])
def test_what_may_pass_is_asked_again_and_nothing_else(answer, name, again):
    with faulty(answer) as server, pytest.raises(Exception) as caught:
        session_at(server.url).client("sagemaker").list_models()
    assert situation(caught.value) == name
    assert len(server.asked) == (3 if again else 1)
    assert explain(caught.value) is not None


def test_a_storm_that_passes_is_not_seen():
    storm = refusal("ThrottlingException", "Rate exceeded")
    good = Answer(200, b'{"Models": []}', JSON)
    with faulty(storm, storm, Answer(503), good) as server:
        assert session_at(server.url, 6).client("sagemaker").list_models()["Models"] == []
    assert len(server.asked) == 4


def test_an_answer_that_was_cut_is_asked_for_again():
    """botocore alone takes it for an account without models."""
    half = Answer(200, b'{"Models": [{"ModelName": "m"}]}', JSON, cut=20)
    good = Answer(200, b'{"Models": []}', JSON)
    with faulty(half, good) as server:
        assert session_at(server.url).client("sagemaker").list_models()["Models"] == []
    assert len(server.asked) == 2


def test_a_listing_of_s3_that_was_cut_is_told():
    half = Answer(200, b"<ListBucketResult><Contents><Key>a</Key></Contents></List", cut=30)
    with faulty(half) as server, pytest.raises(Exception) as caught:
        session_at(server.url).client("s3").list_objects_v2(Bucket="b")
    assert situation(caught.value) == "cut-connection"


def test_a_port_where_nobody_listens_is_told():
    with faulty(Answer()) as server:
        url = server.url
    with pytest.raises(Exception) as caught:
        session_at(url, 2).client("sagemaker").list_models()
    assert situation(caught.value) == "unreachable"


def test_a_proxy_that_refuses_is_told(monkeypatch):
    with faulty(Answer()) as server:
        closed = server.url
    monkeypatch.setenv("HTTP_PROXY", closed)
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(Exception) as caught:
        session_at("http://127.0.0.1:9", 2).client("sagemaker").list_models()
    assert situation(caught.value) == "proxy"


def test_a_server_without_tls_is_told():
    with faulty(Answer()) as server, pytest.raises(Exception) as caught:
        session_at(server.url.replace("http:", "https:"), 2).client("sagemaker").list_models()
    assert situation(caught.value) == "tls"


def test_a_download_that_is_cut_is_told_and_not_taken_for_whole():
    whole = Answer(200, b"x" * 1000, {"ETag": '"e"'}, cut=400)
    with faulty(whole) as server:
        body = session_at(server.url).client("s3").get_object(Bucket="b", Key="k")["Body"]
        with pytest.raises(Exception) as caught:
            body.read()
    assert situation(caught.value) == "cut-connection"


def test_requests_say_who_asks(session):
    assert f"byoa/{__version__}" in session.client("s3").meta.config.user_agent_extra
    assert session.client("s3").meta.config.retries["mode"] == "adaptive"


def test_nothing_of_boto3_is_loaded_before_a_client_is_asked_for():
    code = "import sys, byoa.aws.session, byoa.plan.advice; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
