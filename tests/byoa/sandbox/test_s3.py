"""Bucket names as AWS takes them, and S3 as moto has it behind our hooks."""

from __future__ import annotations

import json
import threading

import pytest

from byoa.sandbox import s3 as buckets
from tests.byoa.sandbox.conftest import Clients, refused


@pytest.mark.parametrize(
    "name",
    ["Upper", "under_score", "a..b", "192.168.0.1", "-a-b", "ab-", "xn--abc", "a--ol-s3", "a" * 64],
)  # fmt: skip
def test_bad_names_are_refused(name: str):
    assert not buckets.good(name)


@pytest.mark.parametrize("name", ["abc", "my-bucket.1", "a" * 63, "0-0"])
def test_good_names_are_good(name: str):
    assert buckets.good(name)


def test_s3_refuses_them(client: Clients):
    # boto3 checks little by itself: upper case reaches the server
    code, text = refused(client("s3").create_bucket, Bucket="Upper-Case")
    assert (code, text) == ("InvalidBucketName", "The specified bucket is not valid.")


def test_objects_go_through_untouched(client: Clients, bucket: str):
    s3, data = client("s3"), bytes(range(256)) * 4096
    s3.put_object(Bucket=bucket, Key="v2/endpoints/x/invocations", Body=data)
    assert s3.get_object(Bucket=bucket, Key="v2/endpoints/x/invocations")["Body"].read() == data
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert refused(s3.head_object, Bucket=bucket, Key="nothing")[0] == "404"


def test_what_moto_has_not_got_is_told_at_once(client: Clients):
    code, text = refused(
        client("iam").simulate_principal_policy,
        PolicySourceArn="a" * 20,
        ActionNames=["s3:GetObject"],
    )
    assert code == "UnknownOperationException"
    assert text == "iam SimulatePrincipalPolicy is not implemented in the sandbox"


def test_of_many_writers_of_a_new_object_one_wins(client: Clients, bucket: str):
    """What claims a run of a task (byoa.record): moto alone lets several win."""
    from botocore.exceptions import ClientError

    s3, together = client("s3"), threading.Barrier(8)
    codes: list[str] = []

    def write(number: int) -> None:
        together.wait()
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=str(number).encode(), IfNoneMatch="*")
            codes.append("won")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])

    for attempt in range(5):
        key, codes[:] = f"claims/{attempt}", []
        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(codes) == ["PreconditionFailed"] * 7 + ["won"]


def test_a_policy_for_tls_holds_nobody_back_and_any_other_does(client: Clients):
    """Loopback has no TLS; moto knows no conditions, and would refuse all for such a statement."""
    s3, name = client("s3"), "policies-of-tls"
    s3.create_bucket(Bucket=name)
    tls = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    closed = {**tls, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/closed/*"}
    del closed["Condition"]
    for statements, held in (([tls], False), ([tls, closed], True)):
        document = {"Version": "2012-10-17", "Statement": statements}
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(document))
        s3.put_object(Bucket=name, Key="open", Body=b"x")
        if held:
            with pytest.raises(s3.exceptions.ClientError, match="403"):
                s3.put_object(Bucket=name, Key="closed/a", Body=b"x")
        else:
            s3.put_object(Bucket=name, Key="closed/a", Body=b"x")
    assert json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"] == [tls, closed]
