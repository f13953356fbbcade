"""What tasks that are jobs may say, and what is told of what they may not."""

import math

import pytest

from byoa.plan.errors import ByoaError
from byoa.plan.pipeline.job_options import best_of, problems, upstream_of


@pytest.mark.parametrize(
    ("kind", "options", "products", "said"),
    [
        ("train", {"instance_typ": "ml.m5.large"}, {"model"}, "Did you mean 'instance_type'?"),
        ("process", {"spot": True}, {"output"}, "a process task has no 'spot'"),
        ("train", {}, {"modle"}, "no product 'modle'. It has model, output"),
        ("train", {"inputs": "data"}, {"model"}, "inputs is 'data'. Write NAME: PATH"),
        ("train", {"inputs": {"training": {"task": "a"}}}, {"model"}, "the input training is"),
        ("train", {"inputs": {"training": ""}}, {"model"}, "the input training is ''"),
        ("train", {"shell": "ls"}, {"model"}, "a source and a shell line"),
        ("deploy", {}, {""}, "which model?"),
        ("deploy", {"model": "m", "best": {"of": "a", "metric": "b"}}, {""}, "which model?"),
        ("deploy", {"best": {"of": "a"}}, {""}, "best is {'of': 'a'}"),
        ("deploy", {"best": {"of": "a", "metric": "b", "mode": "most"}}, {""}, "max or min"),
    ],
)
def test_what_cannot_be_is_one_sentence(kind, options, products, said):
    (found,) = problems(kind, "fit", "train.py", options, products)
    assert found.startswith("fit: ") and said in found


def test_what_is_right_is_not_told():
    inputs = {"training": "data", "more": "s3://b/k", "made": {"upstream": "get", "product": "x"}}
    options = {"inputs": inputs, "instance_type": "ml.m5.large", "on": "process"}
    assert list(problems("train", "fit", "algorithm", options, {"model", "metrics"})) == []
    assert upstream_of("train", options) == ["get"]
    assert upstream_of("deploy", {"best": {"of": "fit-*", "metric": "ap"}}) == ["fit-*"]
    assert upstream_of("deploy", {"model": {"upstream": "fit"}}) == ["fit"]


def test_the_best_is_a_number():
    metrics = {"a": {"ap": 0.5}, "b": {"ap": math.nan}, "c": {"ap": 0.7}, "d": {}, "e": {"ap": 0.7}}
    assert best_of(metrics, "ap") == "c"
    assert best_of(metrics, "ap", "min") == "a"
    with pytest.raises(ByoaError, match=r"'loss'. They have: ap"):
        best_of(metrics, "loss")
