"""Who may come in: whoever holds the key; no page in a browser; no other user of the machine."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest

from byoa.sandbox.state import State
from tests.byoa.sandbox.conftest import REGION, Clients, refused

TARGET = {
    "X-Amz-Target": "SageMaker.ListTrainingJobs",
    "Content-Type": "application/x-amz-json-1.1",
}


def ask(url: str, headers: dict[str, str], data: bytes | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def stranger(sandbox: State, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=sandbox.url,
        region_name=REGION,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="x",
    )


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("sagemaker", "list_training_jobs", "UnrecognizedClientException"),
        ("codebuild", "list_projects", "UnrecognizedClientException"),
        ("ecr", "describe_repositories", "UnrecognizedClientException"),
        ("sts", "get_caller_identity", "UnrecognizedClientException"),
        ("s3", "list_buckets", "InvalidAccessKeyId"),
    ],
)
def test_another_key_is_refused(sandbox: State, service: str, operation: str, code: str):
    found = refused(getattr(stranger(sandbox, service), operation))
    assert found[0] == code
    assert "byoa sandbox env" in found[1]


def test_no_key_is_refused(sandbox: State):
    status, text = ask(sandbox.url, TARGET, b"{}")
    assert status == 403 and "Missing Authentication Token" in text


def test_s3_without_a_key_gives_only_what_is_public(sandbox: State, client: Clients, bucket: str):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="secret", Body=b"secret")
    status, text = ask(f"{sandbox.url}/{bucket}/secret", {})
    assert status == 403 and "<Code>AccessDenied</Code>" in text
    assert ask(f"{sandbox.url}/moto-api/data.json", {})[0] == 403
    assert ask(f"{sandbox.url}/moto-api/reset", {}, b"")[0] == 403
    presigned = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "secret"})
    assert ask(presigned, {}) == (200, "secret")
    assert ask(presigned.replace(sandbox.access_key, "AKIAIOSFODNN7EXAMPLE"), {})[0] == 403
    s3.create_bucket(Bucket="open-to-all")
    s3.put_object(Bucket="open-to-all", Key="a", Body=b"for all")
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": ["arn:aws:s3:::open-to-all", "arn:aws:s3:::open-to-all/*"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket="open-to-all", Policy=policy)
    assert ask(f"{sandbox.url}/open-to-all/a", {}) == (200, "for all")
    assert ask(f"{sandbox.url}/open-to-all/a", {}, b"written")[0] == 403
    s3.put_object(Bucket=bucket, Key="open-to-all/a", Body=b"secret")
    for host in (f"{bucket}.s3.amazonaws.com", f"{bucket}.localhost", "evil.example"):
        assert ask(f"{sandbox.url}/open-to-all/a", {"Host": host})[0] == 403


def test_a_web_page_is_refused_before_anything_happens(sandbox: State):
    scope = f"{sandbox.access_key}/20260101/us-east-1/sagemaker/aws4_request"
    key = f"AWS4-HMAC-SHA256 Credential={scope}"
    signed = {**TARGET, "Authorization": f"{key}, SignedHeaders=host, Signature=0"}
    assert ask(sandbox.url, signed, b"{}")[0] == 200
    status, text = ask(sandbox.url, {**signed, "Origin": "http://evil.example"}, b"{}")
    assert status == 403 and "web page" in text


def test_keys_that_were_made_in_the_sandbox_are_good(sandbox: State, client: Clients, role: str):
    given = client("sts").assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]
    buckets = boto3.client(
        "s3",
        endpoint_url=sandbox.url,
        region_name=REGION,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    ).list_buckets()
    assert buckets["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_only_the_token_opens_our_own_page(sandbox: State):
    assert ask(f"{sandbox.url}/_byoa/{sandbox.token}", {})[0] == 200
    assert ask(f"{sandbox.url}/_byoa/else", {})[0] == 404
    assert ask(f"{sandbox.url}/_byoa/%C3%A4", {})[0] == 404


def test_the_server_listens_on_loopback_alone(sandbox: State):
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    port = f":{sandbox.port:04X}"
    listening = [row[1] for row in rows if row[3] == "0A" and row[1].endswith(port)]
    assert listening == [f"0100007F{port}"]
