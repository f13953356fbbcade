"""The whole walk-through of examples/build-train-deploy in the sandbox, with the real image.

CodeBuild builds and pushes the project's folder in its small form, which only serves: pushing the
6.4 GB of the other one would pack them with one core for minutes, and show the same. What trains
and serves is the image of `make image`; that a pushed image trains is in test_sandbox.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from byoa.workflow.uploads import packed
from tests.sandbox_place import Place

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "build-train-deploy"
SCRIPT = EXAMPLE / "run.sh"
BUCKET = "byoa-cells-123456789012-us-east-1"


@pytest.fixture(scope="module")
def place(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The images of `make image` have the layers that the build finds in docker's cache."""
    work = tmp_path_factory.mktemp("work") / "cells"
    setup = "--set PauseSeconds=1"
    more = {"WORK": str(work), "SETUP": setup, "OMP_NUM_THREADS": "1", "IMAGE": image}
    with Place.up(tmp_path_factory.mktemp("home"), "cells", more) as place:
        yield place
        place.forget_images("byoa-cells")


@pytest.fixture(scope="module")
def work(place: Place) -> Path:
    """The folder that the script leaves when the first model serves."""
    place.script(SCRIPT, "prepare setup first", seconds=600)
    return Path(place.environ["WORK"])


def ended(work: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((work / f"{name}.json").read_text()))


def builds(place: Place) -> list[str]:
    listed = place.client("codebuild").list_builds_for_project(projectName="byoa-cells_image")
    return list(listed["ids"])


def the_folder_is_built_and_pushed_by_codebuild_once(work: Path, place: Place) -> None:
    key, data = "incoming/context.zip", packed("Context", work)
    place.client("s3").put_object(Bucket=BUCKET, Key=key, Body=data)
    asked = {"Context": f"s3://{BUCKET}/{key}", "Variables": {"PACKAGES": "serve"}, "Wait": True}
    first, second = (built(place, asked) for _ in range(2))
    assert (first["Done"], first["Built"], second["Built"]) == (True, True, False)
    assert second["Image"] == first["Image"]
    (only,) = builds(place)
    (build,) = place.client("codebuild").batch_get_builds(ids=[only])["builds"]
    assert build["buildStatus"] == "SUCCEEDED"
    (image,) = place.client("ecr").describe_images(repositoryName="byoa-cells")["imageDetails"]
    assert image["imageSizeInBytes"] < 400e6


def built(place: Place, asked: dict[str, Any]) -> dict[str, Any]:
    client, function = place.client("lambda"), "byoa-cells_build-image"
    answer = client.invoke(FunctionName=function, Payload=json.dumps(asked))
    told = dict(json.load(answer["Payload"]))
    assert "FunctionError" not in answer, told
    return told


def the_first_model_serves(work: Path, place: Place, image: str) -> None:
    first = ended(work, "first")
    assert (first["status"], first["output"]["Deployed"]) == ("SUCCEEDED", True)
    endpoint = place.client("sagemaker").describe_endpoint(EndpointName="byoa-cells")
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"] == first["output"]["EndpointConfigName"]
    model = place.client("sagemaker").describe_model(ModelName=first["output"]["ModelName"])
    assert model["PrimaryContainer"]["Image"] == image


def it_knows_the_things_in_pictures_that_it_has_not_seen(work: Path, place: Place) -> None:
    said = place.script(SCRIPT, "ask")  # fails when less than half are right
    assert ": right\n" in said


def a_worse_model_is_not_deployed(work: Path, place: Place) -> None:
    sagemaker = place.client("sagemaker")
    before = sagemaker.describe_endpoint(EndpointName="byoa-cells")["EndpointConfigName"]
    place.script(SCRIPT, "worse", seconds=600)
    worse = ended(work, "worse")
    assert (worse["status"], worse["output"]["Deployed"]) == ("SUCCEEDED", False)
    assert worse["output"]["Reason"].startswith("Not better: validation_segm_map is 0")
    after = sagemaker.describe_endpoint(EndpointName="byoa-cells")
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", before)
    assert len(sagemaker.list_models()["Models"]) == 1
    assert len(sagemaker.list_endpoint_configs()["EndpointConfigs"]) == 1
    assert builds(place) == []


def nothing_is_left_in_the_end(work: Path, place: Place) -> None:
    place.script(SCRIPT, "tidy")
    place.until_empty()


def test_the_whole_walk_through(work: Path, place: Place, image: str):
    """One test: its parts follow each other, and no second worker begins anew."""
    the_first_model_serves(work, place, image)
    it_knows_the_things_in_pictures_that_it_has_not_seen(work, place)
    a_worse_model_is_not_deployed(work, place)
    the_folder_is_built_and_pushed_by_codebuild_once(work, place)
    nothing_is_left_in_the_end(work, place)


def test_the_readme_shows_what_the_script_does():
    script, readme = ((EXAMPLE / name).read_text() for name in ("run.sh", "README.md"))
    flags = {word for word in script.split() if word.startswith("--") and len(word) > 2}
    assert flags - set(readme.split()) <= {"--on", "--json"}
