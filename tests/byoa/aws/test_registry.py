"""ECR: the repository is made once, tagged at once, and a push is checked."""

from __future__ import annotations

import json

import pytest
from botocore.stub import ANY, Stubber

from byoa.aws import registry
from byoa.plan.errors import ByoaError

TAGS = {"byoa:project": "cells"}
URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/cells"


@pytest.fixture
def stub(session):
    with Stubber(session.client("ecr")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def test_made_tagged_scanned_and_tidied(session):
    assert registry.ensure_repository(session, "cells", TAGS) == URI
    ecr = session.client("ecr")
    found = ecr.describe_repositories(repositoryNames=["cells"])["repositories"][0]
    assert found["imageScanningConfiguration"] == {"scanOnPush": True}
    tags = ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
    assert tags == [{"Key": "byoa:project", "Value": "cells"}]
    text = ecr.get_lifecycle_policy(repositoryName="cells")["lifecyclePolicyText"]
    assert json.loads(text)["rules"]
    assert registry.ensure_repository(session, "cells", {}) == URI


def missing(stub):
    stub.add_client_error("describe_repositories", "RepositoryNotFoundException", "", 400)


def test_raced_by_a_second_driver(session, stub):
    missing(stub)
    stub.add_client_error("create_repository", "RepositoryAlreadyExistsException", "", 400)
    stub.add_response("describe_repositories", {"repositories": [{"repositoryUri": URI}]})
    assert registry.ensure_repository(session, "cells", TAGS) == URI


def test_without_its_lifecycle_it_is_not_left_behind(session, stub):
    missing(stub)
    made = {"repository": {"repositoryUri": URI}}
    stub.add_response("create_repository", made, {
        "repositoryName": "cells", "imageScanningConfiguration": ANY,
        "encryptionConfiguration": ANY, "tags": [{"Key": "byoa:project", "Value": "cells"}],
    })  # fmt: skip
    stub.add_client_error("put_lifecycle_policy", "AccessDeniedException", "no", 400)
    stub.add_response("delete_repository", {}, {"repositoryName": "cells"})
    with pytest.raises(Exception, match="AccessDenied"):
        registry.ensure_repository(session, "cells", TAGS)


def test_a_refused_look_makes_nothing(session, stub):
    stub.add_client_error("describe_repositories", "AccessDeniedException", "no", 400)
    with pytest.raises(Exception, match="AccessDenied"):
        registry.ensure_repository(session, "cells", TAGS)


def test_user_and_password(session):
    assert registry.login(session) == ("AWS", "123456789012-auth-token")


@pytest.mark.parametrize("media_type", [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
])  # fmt: skip
def test_what_sagemaker_would_refuse_is_told_after_the_push(session, stub, media_type):
    image = {
        "imageManifest": json.dumps({"manifests": [{"platform": {"architecture": "arm64"}}]}),
        "imageManifestMediaType": media_type, "imageId": {"imageDigest": "sha256:" + "1" * 64},
    }  # fmt: skip
    stub.add_response("batch_get_image", {"images": [image]})
    with pytest.raises(ByoaError, match="which SageMaker refuses"):
        registry.pushed(session, f"{URI}:v1")
