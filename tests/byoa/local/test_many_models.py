"""Multi-model endpoints on this machine: what SageMaker does before a container, done here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from byoa.plan.errors import ServiceError, error_code
from tests.local_home import ROLE
from tests.serving_home import PROBE, ServingHome, archive, checked

CODE = PROBE.read_bytes()


def put(home: ServingHome, name: str, factor: float = 2, **files: Any) -> None:
    """A model below the endpoint's prefix."""
    held = {"model.json": json.dumps({"factor": factor}), "code/inference.py": CODE, **files}
    home.put(f"many/{name}", archive(held))


def deploy(home: ServingHome, name: str = "model", **changed: Any) -> dict[str, Any]:
    container = {
        "Image": home.image, "Mode": "MultiModel", "ModelDataUrl": home.uri("many/"), **changed
    }  # fmt: skip
    made = home.sagemaker.create_model(
        ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE
    )
    checked("CreateModel", made)
    home.config(name)
    home.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return home.settled(name)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServingHome]:
    """A multi-model endpoint, its models good and bad."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BYOA_LOCAL_STOP_SECONDS", "10")
        home = ServingHome(tmp_path_factory.mktemp("many"))
        put(home, "two.tar.gz", 2)
        put(home, "team/three.tar.gz", 3)
        home.put("many/broken.tar.gz", b"no archive")
        home.put("many/evil.tar.gz", archive({"../evil": "x"}))
        home.put("many/unloadable.tar.gz", archive({"code/inference.py": CODE}))
        assert deploy(home)["EndpointStatus"] == "InService", home.endpoint_log()
        yield home
        home.close()


def test_models_are_fetched_when_they_are_asked_for(many: ServingHome) -> None:
    assert many.ask(21, TargetModel="two.tar.gz") == {"answer": 42}
    assert many.ask(21, TargetModel="team/three.tar.gz") == {"answer": 63}
    put(many, "five.tar.gz", 5)  # later, and with no deployment
    assert many.ask(21, TargetModel="five.tar.gz") == {"answer": 105}
    seen = many.ask({"do": "headers"}, TargetModel="five.tar.gz")
    assert seen["x-amzn-sagemaker-target-model"] == "five.tar.gz"
    with pytest.raises(ServiceError) as caught:
        many.ask({"do": "refuse", "status": 418}, TargetModel="five.tar.gz")
    assert error_code(caught.value) == "ModelError"


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        ("absent.tar.gz", "ValidationError", "Failed to download model data(bucket"),
        ("../model/two.tar.gz", "ValidationError", "Failed to download"),
        ("team", "ValidationError", "Failed to download"),  # a folder with one model in it
        ("broken.tar.gz", "ValidationError", "Failed to extract"),
        ("evil.tar.gz", "ValidationError", "outside of the folder"),
        ("unloadable.tar.gz", "ModelError", "model.json"),
        (None, "ValidationError", "missing a target model header"),
    ],
)
def test_what_cannot_be_had_is_said(
    many: ServingHome, target: str | None, code: str, words: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        many.ask(1, TargetModel=target)
    assert error_code(caught.value) == code
    assert words in str(caught.value)
    assert many.ask(21, TargetModel="two.tar.gz") == {"answer": 42}


def test_an_archive_that_was_cut_short_leaves_nothing_for_the_next(many: ServingHome) -> None:
    weights = os.urandom(300_000)
    whole = archive({"model.json": "{}", "code/inference.py": CODE, "old": weights})
    many.put("many/cut (1) 模 %20.tar.gz", whole[:-100_000])
    with pytest.raises(ServiceError, match="Failed to extract"):
        many.ask(1, TargetModel="cut (1) 模 %20.tar.gz")
    put(many, "cut (1) 模 %20.tar.gz", 7)
    assert many.ask(6, TargetModel="cut (1) 模 %20.tar.gz") == {"answer": 42}
    assert not list(many.root.rglob("models/*/model/old"))
