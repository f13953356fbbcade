"""The bucket: made closed, found again, never somebody else's, never half-made."""

from __future__ import annotations

import pytest
from botocore.stub import ANY, Stubber

from byoa.aws.bucket import ensure_bucket, find_bucket
from byoa.aws.session import Session
from byoa.plan.advice import situation
from byoa.plan.errors import ByoaError

NAME = "byoa-123456789012-eu-west-1"
OURS = {"Bucket": NAME, "ExpectedBucketOwner": "123456789012"}


@pytest.fixture
def stubbed(session):
    """S3 that answers as told; all else is moto's."""
    session.account  # noqa: B018 - asked of moto beforehand
    with Stubber(session.client("s3")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def tags_of(s3, name=NAME):
    return {one["Key"]: one["Value"] for one in s3.get_bucket_tagging(Bucket=name)["TagSet"]}


def test_made_closed_encrypted_versioned_and_tagged(session):
    s3 = session.client("s3")
    assert ensure_bucket(session, tags={"team": "vision", "byoa:project": "cells"}) == NAME
    assert s3.head_bucket(Bucket=NAME)["BucketRegion"] == "eu-west-1"
    closed = s3.get_public_access_block(Bucket=NAME)["PublicAccessBlockConfiguration"]
    assert set(closed.values()) == {True}
    rules = s3.get_bucket_encryption(Bucket=NAME)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_versioning(Bucket=NAME)["Status"] == "Enabled"
    # all projects share it, so it is no project's
    assert tags_of(s3) == {"team": "vision", "byoa:made": "bucket"}


def test_us_east_1_is_no_location_constraint(session):
    """S3 refuses it there and wants one everywhere else."""
    assert ensure_bucket(Session("us-east-1")) == "byoa-123456789012-us-east-1"


def test_found_again_is_one_look(session, stubbed):
    stubbed.add_response("head_bucket", {"BucketRegion": "eu-west-1"}, OURS)
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    stubbed.add_response("get_bucket_tagging", tags, OURS)
    assert ensure_bucket(session) == NAME


def test_a_bucket_of_yours_is_used_as_it_is(session):
    s3 = session.client("s3")
    where = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="yours", CreateBucketConfiguration=where)
    assert ensure_bucket(session, "yours", {"a": "b"}) == "yours"
    assert "Status" not in s3.get_bucket_versioning(Bucket="yours")


def test_half_made_by_a_driver_that_was_stopped_is_made_whole(session):
    s3 = session.client("s3")
    s3.create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    ensure_bucket(session)
    assert s3.get_bucket_versioning(Bucket=NAME)["Status"] == "Enabled"
    assert tags_of(s3) == {"byoa:made": "bucket"}


def test_in_another_region_is_told(session):
    Session("us-west-2").client("s3").create_bucket(
        Bucket="far", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    with pytest.raises(ByoaError, match="far is in us-west-2, and this project runs in eu-west-1"):
        ensure_bucket(session, "far")


def test_of_another_account_is_told_and_nothing_is_sent(session, stubbed):
    """A bucket that was deleted and whose name somebody else took: S3 answers 403 to its owner."""
    stubbed.add_client_error("head_bucket", "403", "Forbidden", 403, expected_params=OURS)
    stubbed.add_response("head_bucket", {"BucketRegion": "eu-west-1"}, {"Bucket": NAME})
    with pytest.raises(ByoaError, match="belongs to another account than 123456789012"):
        ensure_bucket(session)


def test_not_to_be_seen_at_all_is_told(session, stubbed):
    for _ in range(2):
        stubbed.add_client_error("head_bucket", "403", "Forbidden", 403)
    with pytest.raises(Exception) as caught:
        find_bucket(session.client("s3"), NAME, "123456789012")
    assert situation(caught.value) == "bucket-of-another"


def test_a_name_that_another_account_has_is_told(session, stubbed):
    stubbed.add_client_error("head_bucket", "404", "Not Found", 404)
    stubbed.add_client_error("create_bucket", "BucketAlreadyExists", "", 409)
    with pytest.raises(Exception) as caught:
        ensure_bucket(session)
    assert situation(caught.value) == "bucket-taken"


def settings(stub, failing=None):
    for operation in (
        "put_public_access_block", "put_bucket_encryption", "put_bucket_versioning",
        "put_bucket_tagging", "put_bucket_lifecycle_configuration",
    ):  # fmt: skip
        if operation == failing:
            stub.add_client_error(operation, "AccessDenied", "Access Denied", 403)
            return
        stub.add_response(operation, {})


def test_raced_by_a_second_driver(session, stubbed):
    stubbed.add_client_error("head_bucket", "404", "Not Found", 404)
    stubbed.add_client_error("create_bucket", "BucketAlreadyOwnedByYou", "", 409)
    settings(stubbed)
    assert ensure_bucket(session) == NAME


@pytest.mark.parametrize("failing", ["put_public_access_block", "put_bucket_tagging"])
def test_what_cannot_be_closed_or_tagged_is_not_left_behind(session, stubbed, failing):
    stubbed.add_client_error("head_bucket", "404", "Not Found", 404)
    stubbed.add_response("create_bucket", {}, {"Bucket": NAME, "CreateBucketConfiguration": ANY})
    settings(stubbed, failing)
    stubbed.add_response("delete_bucket", {}, OURS)
    with pytest.raises(Exception) as caught:
        ensure_bucket(session)
    assert situation(caught.value) == "s3-denied"


def test_a_second_driver_s_bucket_is_not_deleted(session, stubbed):
    stubbed.add_client_error("head_bucket", "404", "Not Found", 404)
    stubbed.add_client_error("create_bucket", "BucketAlreadyOwnedByYou", "", 409)
    settings(stubbed, "put_bucket_encryption")
    with pytest.raises(Exception) as caught:
        ensure_bucket(session)
    assert situation(caught.value) == "s3-denied"
