"""ECR's API: addresses, passwords, and images exactly as they were pushed."""

from __future__ import annotations

import base64
import datetime
import json
import urllib.request

import pytest

from byoa.sandbox.state import State
from tests.byoa.sandbox.conftest import Clients, refused
from tests.byoa.sandbox.registry_client import Registry


@pytest.fixture(scope="module")
def ecr(client: Clients):
    return client("ecr")


def repository(ecr, name: str, **more: object) -> str:
    made = ecr.create_repository(repositoryName=name, **more)["repository"]
    return str(made["repositoryUri"])


def test_the_address_is_where_docker_pushes(sandbox: State, ecr):
    assert repository(ecr, "where/it-is") == f"127.0.0.1:{sandbox.port}/where/it-is"
    found = ecr.describe_repositories(repositoryNames=["where/it-is"])["repositories"]
    assert found[0]["repositoryUri"] == f"127.0.0.1:{sandbox.port}/where/it-is"
    assert ecr.delete_repository(repositoryName="where/it-is")["repository"][
        "repositoryUri"
    ].startswith("127.0.0.1:")


def test_the_password_is_good_for_twelve_hours(sandbox: State, ecr):
    (found,) = ecr.get_authorization_token()["authorizationData"]
    assert found["proxyEndpoint"] == sandbox.url
    left = found["expiresAt"] - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(hours=11.9) < left <= datetime.timedelta(hours=12)
    user, _, password = base64.b64decode(found["authorizationToken"]).decode().partition(":")
    assert user == "AWS"
    assert Registry(sandbox, password).ask("GET", "/v2/").status == 200


def test_what_was_pushed_is_what_the_api_says(sandbox: State, ecr):
    repository(ecr, "pushed")
    registry = Registry(sandbox)
    digest = registry.push("pushed", "v1", b"a" * 5000)
    again = registry.ask("GET", "/v2/pushed/manifests/v1")
    registry.put_manifest("pushed", "latest", again.body)
    (image,) = ecr.describe_images(repositoryName="pushed")["imageDetails"]
    assert image["imageDigest"] == digest
    assert image["imageTags"] == ["latest", "v1"]
    assert image["imageManifestMediaType"].endswith("manifest.v2+json")
    assert 5000 < image["imageSizeInBytes"] < 5100
    assert image["imagePushedAt"].tzinfo is not None
    asked = [{"imageTag": "v1"}, {"imageTag": "nope"}]
    got = ecr.batch_get_image(repositoryName="pushed", imageIds=asked)
    assert got["images"][0]["imageManifest"].encode() == again.body
    assert got["images"][0]["imageId"] == {"imageDigest": digest, "imageTag": "v1"}
    assert got["failures"][0]["failureCode"] == "ImageNotFound"
    ids = ecr.list_images(repositoryName="pushed")["imageIds"]
    assert sorted(one["imageTag"] for one in ids) == ["latest", "v1"]


def test_an_image_that_is_not_there(ecr):
    repository(ecr, "empty")
    call = ecr.describe_images
    assert refused(call, repositoryName="empty", imageIds=[{"imageTag": "x"}])[0] == (
        "ImageNotFoundException"
    )
    code, text = refused(call, repositoryName="nobody")
    assert code == "RepositoryNotFoundException"
    assert text.startswith("The repository with name 'nobody' does not exist in the registry")


def test_layers_can_be_fetched_without_a_password_for_an_hour(sandbox: State, ecr):
    repository(ecr, "layers")
    digest = Registry(sandbox).push_blob("layers", b"the layer")
    url = ecr.get_download_url_for_layer(repositoryName="layers", layerDigest=digest)["downloadUrl"]
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read() == b"the layer"
    other = url.replace(digest, "sha256:" + "0" * 64)
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(other, timeout=10)
    error.value.close()
    assert error.value.code == 403
    wanted = [digest, "sha256:" + "0" * 64]
    found = ecr.batch_check_layer_availability(repositoryName="layers", layerDigests=wanted)
    assert [layer["layerSize"] for layer in found["layers"]] == [9]
    assert len(found["failures"]) == 1


def test_a_tag_goes_and_with_the_last_one_the_image(sandbox: State, ecr):
    repository(ecr, "deleted")
    registry = Registry(sandbox)
    digest = registry.push("deleted", "a")
    registry.put_manifest("deleted", "b", registry.ask("GET", "/v2/deleted/manifests/a").body)
    delete = ecr.batch_delete_image
    gone = delete(repositoryName="deleted", imageIds=[{"imageTag": "a"}])["imageIds"]
    assert gone == [{"imageDigest": digest, "imageTag": "a"}]
    assert registry.ask("GET", f"/v2/deleted/manifests/{digest}").status == 200
    delete(repositoryName="deleted", imageIds=[{"imageTag": "b"}])
    assert registry.ask("GET", f"/v2/deleted/manifests/{digest}").status == 404
    failures = delete(repositoryName="deleted", imageIds=[{"imageTag": "b"}])["failures"]
    assert failures[0]["failureCode"] == "ImageNotFound"


def test_a_full_repository_is_deleted_by_force_alone(sandbox: State, ecr):
    repository(ecr, "full")
    repository(ecr, "full/inner")
    registry = Registry(sandbox)
    registry.push("full", "v1")
    kept = registry.push("full/inner", "v1")
    code, _ = refused(ecr.delete_repository, repositoryName="full")
    assert code == "RepositoryNotEmptyException"
    ecr.delete_repository(repositoryName="full", force=True)
    assert registry.ask("GET", "/v2/full/manifests/v1").error == "NAME_UNKNOWN"
    repository(ecr, "full")
    assert ecr.list_images(repositoryName="full")["imageIds"] == []
    (inner,) = ecr.describe_images(repositoryName="full/inner")["imageDetails"]
    assert inner["imageDigest"] == kept


def test_immutable_tags_stay(sandbox: State, ecr):
    repository(ecr, "fixed", imageTagMutability="IMMUTABLE")
    registry = Registry(sandbox)
    first = registry.push("fixed", "v1", b"first")
    other = json.loads(registry.ask("GET", "/v2/fixed/manifests/v1").body)
    other["annotations"] = {"another": "manifest"}
    answer = registry.put_manifest("fixed", "v1", json.dumps(other).encode())
    assert (answer.status, answer.error) == (400, "TAG_INVALID")
    assert b"cannot be overwritten because the tag is immutable" in answer.body
    (image,) = ecr.describe_images(repositoryName="fixed")["imageDetails"]
    assert image["imageDigest"] == first


def test_put_image_gives_another_tag(sandbox: State, ecr):
    repository(ecr, "retag")
    Registry(sandbox).push("retag", "v1")
    (image,) = ecr.batch_get_image(repositoryName="retag", imageIds=[{"imageTag": "v1"}])["images"]
    ecr.put_image(repositoryName="retag", imageManifest=image["imageManifest"], imageTag="v2")
    (found,) = ecr.describe_images(repositoryName="retag")["imageDetails"]
    assert found["imageTags"] == ["v1", "v2"]
    code, _ = refused(ecr.put_image, repositoryName="retag", imageManifest="{}", imageTag="v3")
    assert code == "InvalidParameterException"


def test_what_stays_motos(ecr):
    repository(ecr, "settings")
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9}
    rule = {"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}
    policy = json.dumps({"rules": [rule]})
    ecr.put_lifecycle_policy(repositoryName="settings", lifecyclePolicyText=policy)
    assert ecr.get_lifecycle_policy(repositoryName="settings")["lifecyclePolicyText"] == policy
    code, _ = refused(ecr.create_repository, repositoryName="settings")
    assert code == "RepositoryAlreadyExistsException"
    assert refused(ecr.start_image_scan, repositoryName="settings", imageId={"imageTag": "x"})[
        0
    ] == ("UnknownOperationException")


def test_pages_of_images(sandbox: State, ecr):
    repository(ecr, "many")
    registry = Registry(sandbox)
    for number in range(5):
        registry.push("many", f"v{number}", b"x" * (number + 1))
    pages = list(
        ecr.get_paginator("describe_images").paginate(
            repositoryName="many", PaginationConfig={"PageSize": 2}
        )
    )
    assert [len(page["imageDetails"]) for page in pages] == [2, 2, 1]
