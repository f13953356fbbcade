"""AWS's framework images by name, and the AMI that an image's CUDA needs."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from byoa.plan.ami import (
    has_gpu,
    inference_ami,
    minimum_driver,
    startup_timeouts,
    transform_ami,
)
from byoa.plan.ecr import parse_image
from byoa.plan.errors import UsageError
from byoa.plan.frameworks import image_uri
from byoa.plan.image import ImageFacts
from byoa.plan.tables import table
from tests.byoa.plan.service_model import model


def name_of(*arguments: Any, region: str = "us-east-1", **more: Any) -> str:
    found = parse_image(image_uri(*arguments, region=region, **more))
    assert (len(found.account), found.region) == (12, region)
    return f"{found.repository}:{found.tag}"


def test_no_version_is_the_newest():
    assert name_of() == "pytorch-training:2.10.0-cpu-py313"
    assert name_of("tensorflow") == "tensorflow-training:2.21.0-cpu-py312"
    assert name_of("sklearn") == "sagemaker-scikit-learn:1.9-0-cpu-py3"
    assert name_of("xgboost") == "sagemaker-xgboost:3.2-0"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("pytorch", "2.6"), "pytorch-training:2.6.0-gpu-py312"),
        (("pytorch", "2.6.0"), "pytorch-training:2.6.0-gpu-py312"),
        (("pytorch", "1.6.0", "py3"), "pytorch-training:1.6.0-gpu-py3"),
        (("pytorch", "1.6.0"), "pytorch-training:1.6.0-gpu-py36"),
        (("tensorflow", "2.3.0", "py37"), "tensorflow-training:2.3.0-gpu-py37"),
        (("sklearn", "0.20.0"), "sagemaker-scikit-learn:0.20.0-cpu-py3"),
        (("sklearn", "1.4"), "sagemaker-scikit-learn:1.4-2-cpu-py3"),
        (("xgboost", "1.7-1"), "sagemaker-xgboost:1.7-1"),
    ],
)
def test_a_version_may_be_short(arguments: tuple[str, ...], name: str):
    assert name_of(*arguments, instance_type="ml.g5.xlarge") == name


def test_serving_has_images_of_its_own():
    assert name_of("pytorch", "2.6", purpose="inference") == "pytorch-inference:2.6.0-cpu-py312"
    assert name_of("tensorflow", "2.19", purpose="inference") == "tensorflow-inference:2.19.0-cpu"
    assert name_of("xgboost", purpose="inference") == "sagemaker-xgboost:3.2-0"


def test_china_has_a_host_of_its_own():
    assert image_uri(region="cn-north-1").split("/")[0].endswith(".cn")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"framework": "jax"}, "take one of pytorch, tensorflow, sklearn, xgboost"),
        ({"version": "9.9"}, "2.10.0, or name the image itself with --image"),
        ({"version": "2.1", "py": "py27"}, "take one of py310"),
        ({"region": "mars-1"}, "us-east-1"),
        ({"instance_type": "ml.trn1.2xlarge"}, "--image"),
        ({"instance_type": "ml.c7g.xlarge"}, "--image"),
    ],
)
def test_what_there_is_not_is_told_with_what_there_is(call: dict[str, str], said: str):
    with pytest.raises(UsageError) as caught:
        image_uri(**{"region": "us-east-1", **call})
    assert said in str(caught.value)


def test_the_table_says_its_day_and_has_every_version_in_order():
    frameworks = table("frameworks.json")
    datetime.date.fromisoformat(frameworks["date"])
    assert frameworks["source"]
    for accounts in frameworks["accounts"].values():
        assert all(len(account) == 12 and account.isdigit() for account in accounts.values())
    for family in frameworks["frameworks"].values():
        for purpose in ("training", "inference"):
            versions = list(family.get(purpose, {"versions": {}})["versions"])
            numbers = [[int(x) for x in name.replace("-", ".").split(".")] for name in versions]
            assert numbers == sorted(numbers)


def facts(**labels: str) -> ImageFacts:
    named = {"byoa.cuda." + name.replace("_", "-"): value for name, value in labels.items()}
    return ImageFacts("demo", labels=named)


GPU, CPU = "ml.g5.xlarge", "ml.m5.large"


@pytest.mark.parametrize(
    ("labels", "ami"),
    [
        ({"version": "12.8", "minimum_driver": "525.60.13"}, "al2-ami-sagemaker-inference-gpu-2-1"),
        ({"version": "12.8"}, "al2-ami-sagemaker-inference-gpu-2-1"),
        ({"version": "11.8"}, "al2-ami-sagemaker-inference-gpu-2-1"),
        ({"version": "12.4", "minimum_driver": "550.54"}, "al2-ami-sagemaker-inference-gpu-3-1"),
        ({"version": "13.0"}, "al2023-ami-sagemaker-inference-gpu-4-1"),
        ({}, None),
        ({"version": "none"}, None),
    ],
)
def test_the_ami_has_the_driver_that_the_image_needs(labels: dict[str, str], ami: str | None):
    assert inference_ami(facts(**labels), GPU) == ami
    assert inference_ami(facts(**labels), CPU) is None
    known = model("sagemaker").shape_for("ProductionVariantInferenceAmiVersion").enum
    assert ami is None or ami in known


def test_batch_transform_has_older_drivers():
    assert transform_ami(facts(version="12.8"), GPU) == "al2-ami-sagemaker-batch-gpu-535"
    assert transform_ami(facts(version="11.8"), GPU) == "al2-ami-sagemaker-batch-gpu-470"
    with pytest.raises(UsageError, match="needs NVIDIA driver 580, but "):
        transform_ami(facts(version="13.0"), GPU)
    with pytest.raises(UsageError, match="older CUDA"):
        inference_ami(facts(minimum_driver="600"), GPU)
    assert minimum_driver(facts(minimum_driver="soon", version="12.1")) == 525


@pytest.mark.parametrize(
    ("kind", "gpu"),
    [("ml.g4dn.xlarge", 1), ("ml.p5.48xlarge", 1), ("ml.gr6.4xlarge", 1), ("ml.c5.xlarge", 0),
     ("ml.m6gd.large", 0), ("ml.inf2.xlarge", 0), ("ml.trn1.2xlarge", 0)],
)  # fmt: skip
def test_who_has_a_gpu(kind: str, gpu: int):
    assert has_gpu(kind) is bool(gpu)


@pytest.mark.parametrize(
    ("image", "weights", "start", "download"),
    [
        (0, 0, 240, 60),
        (6_700_000_000, 0, 455, 60),
        (6_700_000_000, 2_000_000_000, 555, 160),
        (10**12, 10**12, 3600, 3600),
    ],
)
def test_time_to_come_up(image: int, weights: int, start: int, download: int):
    assert startup_timeouts(image, weights) == (start, download)
