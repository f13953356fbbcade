"""What the Lambda functions are asked: any event is read or refused in words."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan import asked_build
from byoa.plan.asked import (
    BuildImage,
    IngestData,
    PreprocessData,
    TrainModel,
    of_object,
    read,
)
from byoa.plan.asked_build import inline, mark_of, unzipped
from byoa.plan.asked_jobs import Here, job_name, preprocess_request, train_request
from byoa.plan.errors import UsageError
from byoa.plan.zips import zipped
from tests.byoa.plan.service_model import accepted

KINDS = (BuildImage, IngestData, PreprocessData, TrainModel)
HERE = Here(project="cells", bucket="byoa-cells-1", role="arn:aws:iam::123456789012:role/jobs")
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=10,
)  # fmt: skip
KEYS = st.sampled_from(
    ["Image", "Context", "Files", "Source", "Target", "Sha256", "Inputs", "Channels", "Start",
     "InstanceCount", "Request", "Command", "Hyperparameters", "Name", "VolumeGb"]
)  # fmt: skip


@given(JSON | st.dictionaries(KEYS, JSON, max_size=5))
def test_any_event_is_read_or_refused(event: Any):
    for kind in KINDS:
        try:
            found = read(kind, of_object(event, "Context"))
        except UsageError as error:
            assert str(error)[-1] in ".?", str(error)
        else:
            assert isinstance(found, kind)


@given(st.dictionaries(KEYS, JSON, max_size=6))
def test_any_job_that_is_read_becomes_a_request_or_words(event: dict[str, Any]):
    makers: list[tuple[Any, Any]] = [
        (TrainModel, train_request),
        (PreprocessData, preprocess_request),
    ]
    for kind, make in makers:
        try:
            request = make(read(kind, {"Image": "image:1", **event}), HERE)
        except UsageError:
            continue
        assert request["RoleArn"] == HERE.role


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({}, 'The event has no Source. Give one: {"Source": "…"}.'),
        ({"Source": ""}, "The event has no Source."),
        ({"source": "x"}, "Did you mean Source?"),
        ({"Source": 1}, "Source is 1. Give text."),
        ({"Source": "x", "MaxBytes": True}, "MaxBytes is True. Give a whole number"),
        ({"Source": "x", "MaxBytes": 0}, "MaxBytes is 0. Give a whole number of 1 or more."),
        ([], "The event is [], and should be an object"),
        ({"Source": "x", "input": "HelloWorld"}, "which nothing here reads. It has: Source"),
    ],
)
def test_mistakes_are_told_by_their_key(event: Any, said: str):
    with pytest.raises(UsageError) as error:
        read(IngestData, event)
    assert said in str(error.value)


def test_an_event_of_s3_names_its_object():
    event = {
        "source": "aws.s3",
        "detail": {"bucket": {"name": "b"}, "object": {"key": "a b/c.zip"}},
    }
    assert of_object(event, "Context") == {"Context": "s3://b/a b/c.zip"}
    assert of_object({"Context": "x"}, "Context") == {"Context": "x"}
    with pytest.raises(UsageError, match="names no object"):
        of_object({"source": "aws.s3", "detail": {"bucket": "b"}}, "Context")


def test_a_training_job_is_the_drivers_own_request():
    wanted = TrainModel(
        image="image:1", channels={"training": "s3://b/t/"}, environment={"A": "b"}, spot=True,
        hyperparameters={"epochs": 3, "deep": {"a": [1]}, "how": "learn"}, max_run_seconds=600,
        metrics={"loss": "loss=([0-9.]+)"}, instance_type="ml.g5.xlarge", instance_count=2,
        request={"EnableNetworkIsolation": True},
    )  # fmt: skip
    request = accepted("sagemaker", "CreateTrainingJob", train_request(wanted, HERE))
    assert request["HyperParameters"] == {"epochs": "3", "deep": '{"a": [1]}', "how": "learn"}
    assert request["OutputDataConfig"] == {"S3OutputPath": "s3://byoa-cells-1/models"}
    assert request["ResourceConfig"]["InstanceCount"] == 2
    assert request["StoppingCondition"]["MaxWaitTimeInSeconds"] == 600
    assert request["EnableNetworkIsolation"] is True
    assert request["Tags"] == [{"Key": "byoa:project", "Value": "cells"}]


def test_a_processing_job_runs_a_program_of_s3():
    wanted = PreprocessData(
        image="image:1", code="s3://b/code/split.py", inputs={"data": "s3://b/raw/"},
        outputs={"train": "s3://b/train/"}, arguments=["--split", "0.2"],
    )  # fmt: skip
    request = accepted("sagemaker", "CreateProcessingJob", preprocess_request(wanted, HERE))
    assert request["AppSpecification"]["ContainerEntrypoint"] == [
        "python3", "/opt/ml/processing/code/split.py"
    ]  # fmt: skip
    paths = [one["S3Input"]["LocalPath"] for one in request["ProcessingInputs"]]
    assert paths == ["/opt/ml/processing/input/data", "/opt/ml/processing/code"]
    own = PreprocessData(image="i", command=["Rscript"], code="s3://b/a.R")
    entry = preprocess_request(own, HERE)["AppSpecification"]["ContainerEntrypoint"]
    assert entry == ["Rscript", "/opt/ml/processing/code/a.R"]


@given(st.text(min_size=1, max_size=80), st.text(max_size=80))
def test_one_token_is_one_job(name: str, token: str):
    def made(token: str) -> str:
        wanted = TrainModel(image="i", name=name, client_request_token=token)
        return job_name(wanted, HERE, "train")

    assert len(made(token)) <= 63
    assert made(token) == made(token)
    assert made(token) != made(token + "x")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_context_or_refused(data: bytes):
    for text in (data, b"PK\x03\x04" + data):
        with pytest.raises(UsageError, match="is no whole zip"):
            unzipped(text, "s3://b/k")


@pytest.mark.parametrize("name", ["../a", "/a", "a/../b", "a//b", "a\\b", "", "./a", "a/."])
def test_names_that_lead_out_are_refused(name: str):
    with pytest.raises(UsageError, match="lies outside of it"):
        inline({name: ""})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(zipfile.ZipInfo(name), "x")
        file.writestr("Dockerfile", "x")
    if name not in ("", "a\\b"):  # zipfile itself makes other names of these
        with pytest.raises(UsageError, match="lies outside of it"):
            unzipped(archive.getvalue(), "s3://b/k")


def test_links_and_bombs_are_refused(monkeypatch: pytest.MonkeyPatch):
    link = zipfile.ZipInfo("a")
    link.external_attr = 0o120777 << 16
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(UsageError, match="no plain file"):
        unzipped(archive.getvalue(), "s3://b/k")
    monkeypatch.setattr(asked_build, "MOST_BYTES", 1 << 20)
    bomb = zipped({"a": (bytes(3 << 20), False), "Dockerfile": (b"", False)})
    assert len(bomb) < 10_000
    with pytest.raises(UsageError, match="over 1 MiB"):
        unzipped(bomb, "s3://b/k")
    monkeypatch.setattr(asked_build, "MOST_MEMBERS", 1)
    with pytest.raises(UsageError, match="holds 2 files"):
        unzipped(bomb, "s3://b/k")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_zipfile_unpacks_without_a_limit_is_refused(method: int):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as file:
        file.writestr("Dockerfile", "FROM scratch")
    with pytest.raises(UsageError, match="'Dockerfile' is not packed by deflate"):
        unzipped(archive.getvalue(), "s3://b/k")


FILES = st.dictionaries(
    st.from_regex(r"[a-z]{1,5}(/[a-z]{1,5}){0,2}", fullmatch=True),
    st.tuples(st.binary(max_size=40), st.booleans()), min_size=1, max_size=5,
)  # fmt: skip


@given(FILES)
def test_a_context_comes_back_as_it_was_packed(files: dict[str, tuple[bytes, bool]]):
    found, secrets = unzipped(zipped(files), "s3://b/k")
    tops = {name.partition("/")[0] for name in files}
    wrapped = len(tops) == 1 and all("/" in name for name in files)
    expected = {n.partition("/")[2] if wrapped else n: one for n, one in files.items()}
    assert (dict(found), secrets) == (expected, [])
    turned = dict(reversed(list(found.items())))
    assert zipped(found) == zipped(turned)
    assert mark_of(found, {}) == mark_of(turned, {})


@given(FILES, st.binary(max_size=40))
def test_the_mark_knows_content_names_and_modes(files: dict[str, tuple[bytes, bool]], new: bytes):
    name, (data, program) = next(iter(files.items()))
    mark = mark_of(files, {})
    assert (mark_of({**files, name: (new, program)}, {}) == mark) is (new == data)
    assert mark_of({**files, name: (data, not program)}, {}) != mark
    assert mark_of({**files, f"{name}0": (data, program)}, {}) != mark
    assert mark_of(files, {"A": "b"}) != mark
