"""What ECR says of an image, and what of it SageMaker would refuse."""

from __future__ import annotations

import hashlib
import json

import pytest
from botocore.stub import ANY, Stubber

from byoa.aws.image_facts import image_facts
from byoa.plan.checks import image_problems
from byoa.plan.errors import ByoaError, NotFoundError, UsageError
from byoa.plan.image import ImageFacts

ACCOUNT = "123456789012"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
REGISTRY = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
CONFIG = json.dumps(
    {"architecture": "amd64", "os": "linux", "config": {"Labels": {"byoa.cuda.version": "12.8"}}}
).encode()
DIGEST = "sha256:" + "1" * 64


@pytest.fixture
def stub(session):
    with Stubber(session.client("ecr")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def manifest(media_type=DOCKER, config=CONFIG):
    digest = "sha256:" + hashlib.sha256(config).hexdigest()
    return {
        "schemaVersion": 2, "mediaType": media_type, "config": {"digest": digest, "size": 7},
        "layers": [{"size": 1000}, {"size": 23}],
    }  # fmt: skip


def answer(stub, document, media_type, image_id=None):
    image = {
        "imageManifest": json.dumps(document), "imageManifestMediaType": media_type,
        "imageId": {"imageDigest": DIGEST},
    }  # fmt: skip
    wanted = {
        "repositoryName": "cells", "registryId": ACCOUNT, "acceptedMediaTypes": ANY,
        "imageIds": [image_id or {"imageTag": "v1"}],
    }  # fmt: skip
    stub.add_response("batch_get_image", {"images": [image], "failures": []}, wanted)


def blob(stub, document):
    wanted = {"repositoryName": "cells", "registryId": ACCOUNT}
    wanted["layerDigest"] = document["config"]["digest"]
    url = {"downloadUrl": "https://layers.example/config"}
    stub.add_response("get_download_url_for_layer", url, wanted)


@pytest.mark.parametrize("media_type", [DOCKER, OCI])
def test_of_a_single_platform(session, stub, media_type):
    answer(stub, manifest(media_type), media_type)
    blob(stub, manifest())
    asked = []

    def fetch(url):
        asked.append(url)
        return CONFIG

    facts = image_facts(session, f"{REGISTRY}/cells:v1", fetch)
    assert facts == ImageFacts(
        f"{REGISTRY}/cells:v1", DIGEST, media_type, "amd64", {"byoa.cuda.version": "12.8"}, 1030
    )
    assert asked == ["https://layers.example/config"]


@pytest.mark.parametrize(("uri", "image_id"), [
    (f"{REGISTRY}/cells", {"imageTag": "latest"}),
    (f"{REGISTRY}/cells@{DIGEST}", {"imageDigest": DIGEST}),
    (f"{REGISTRY}/cells:v1@{DIGEST}", {"imageDigest": DIGEST}),
])  # fmt: skip
def test_by_digest_before_tag_before_latest(session, stub, uri, image_id):
    answer(stub, manifest(), DOCKER, image_id)
    blob(stub, manifest())
    assert image_facts(session, uri, lambda _: CONFIG).digest == DIGEST


@pytest.mark.parametrize("media_type", [LIST, INDEX])
def test_an_index_names_its_platforms(session, stub, media_type):
    entries = [("linux", "amd64"), ("linux", "arm64"), ("unknown", "unknown")]
    document = {"manifests": [{"platform": {"os": a, "architecture": b}} for a, b in entries]}
    answer(stub, document, media_type)
    facts = image_facts(session, f"{REGISTRY}/cells:v1")
    assert facts.architecture == "linux/amd64, linux/arm64, unknown/unknown"
    assert [one for one in image_problems(facts) if "SageMaker refuses" in one]


def test_content_that_is_not_its_digest_is_refused(session, stub):
    answer(stub, manifest(), DOCKER)
    blob(stub, manifest())
    with pytest.raises(ByoaError, match="what came back is not sha256:"):
        image_facts(session, f"{REGISTRY}/cells:v1", lambda _: CONFIG + b" ")


def test_an_image_that_is_not_there(session, stub):
    failure = {"failureCode": "ImageNotFound", "imageId": {"imageTag": "v1"}}
    stub.add_response("batch_get_image", {"images": [], "failures": [failure]})
    with pytest.raises(
        NotFoundError, match=r"ECR has no image .*/cells:v1\. Look at its tag; `byoa build --push`"
    ):
        image_facts(session, f"{REGISTRY}/cells:v1")


def test_an_image_of_another_region_is_told_before_any_call(session, stub):
    with pytest.raises(ByoaError, match="is in us-east-1, and this project runs in eu-west-1"):
        image_facts(session, f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/cells:v1")


def test_an_image_of_another_registry_is_told_before_any_call(session, stub):
    with pytest.raises(UsageError, match="is not in ECR"):
        image_facts(session, "python:3.12-slim")


@pytest.mark.parametrize(("media_type", "architecture", "words"), [
    (OCI, "amd64", "has a application/vnd.oci.image.manifest.v1"),
    (INDEX, "linux/amd64", "is an index of linux/amd64"),
    (LIST, "linux/amd64", "is an index of linux/amd64"),
    (DOCKER, "arm64", "is built for arm64, not amd64"),
])  # fmt: skip
def test_what_sagemaker_refuses_has_one_sentence_with_the_fix(media_type, architecture, words):
    told = list(image_problems(ImageFacts("x:1", DIGEST, media_type, architecture)))
    assert len(told) == 1
    assert words in told[0] and "--provenance=false" in told[0]


def test_what_sagemaker_takes():
    assert list(image_problems(ImageFacts("x:1", DIGEST, DOCKER, "amd64"))) == []
    assert list(image_problems(ImageFacts("x:1", DIGEST, DOCKER, "arm64"), "arm64")) == []
