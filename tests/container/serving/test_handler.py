"""Where a predictor is looked for, and what its functions are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from container.serving.context import Context
from container.serving.handler import HandlerError, call, find, wants_bytes
from container.serving.settings import Settings


def settings(root: Path, **environ: str) -> Settings:
    (root / "algorithm").mkdir(exist_ok=True)
    environ.setdefault("BYOA_ALGORITHM", str(root / "algorithm"))
    return Settings.from_environment({"SAGEMAKER_BASE_DIR": str(root), **environ})


def touch(root: Path, name: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_the_models_own_code_wins(tmp_path: Path):
    order = [
        "model/code/inference.py",
        "code/inference.py",
        "algorithm/predictor.py",
        "algorithm/inference.py",
    ]
    paths = [touch(tmp_path, name) for name in order]
    for path in paths:
        assert find(settings(tmp_path)) == path
        path.unlink()
    with pytest.raises(HandlerError, match=r"no predictor found \(looked for .*inference.py"):
        find(settings(tmp_path))


@pytest.mark.parametrize("program", ["mine.py", "mine"])
def test_a_named_program_wins_over_all(tmp_path: Path, program: str):
    touch(tmp_path, "model/code/inference.py")
    for name in ("algorithm/mine.py", "code/mine.py", "model/code/mine.py"):
        path = touch(tmp_path, name)
        assert find(settings(tmp_path, SAGEMAKER_PROGRAM=program)) == path


def test_the_folder_that_the_sdk_names(tmp_path: Path):
    touch(tmp_path, "model/code/mine.py")
    path = touch(tmp_path, "elsewhere/mine.py")
    named = {"SAGEMAKER_PROGRAM": "mine.py", "SAGEMAKER_SUBMIT_DIRECTORY": f"{tmp_path}/elsewhere"}
    assert find(settings(tmp_path, **named)) == path
    address = {"SAGEMAKER_SUBMIT_DIRECTORY": "s3://bucket/sourcedir.tar.gz"}
    assert find(settings(tmp_path, SAGEMAKER_PROGRAM="mine.py", **address)).name == "mine.py"
    with pytest.raises(HandlerError, match=r"sourcedir\.tar\.gz, and serve fetches nothing"):
        find(settings(tmp_path, **address))


def without(item: Any, model: Any) -> tuple[Any, ...]:
    return item, model


def with_it(item: Any, model: Any, context: Any) -> tuple[Any, ...]:
    return item, model, context


def with_a_default(item: Any, model: Any, context: Any = None) -> tuple[Any, ...]:
    return item, model, context


def with_another_default(item: Any, model: Any, temperature: float = 0.5) -> tuple[Any, ...]:
    return item, model, temperature


def with_stars(*arguments: Any, **others: Any) -> tuple[Any, ...]:
    return arguments


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (without, (1, 2)),
        (with_it, (1, 2, "context")),
        (with_a_default, (1, 2, "context")),
        (with_another_default, (1, 2, 0.5)),
        (with_stars, (1, 2)),
    ],
)
def test_who_gets_the_context(function: Any, given: tuple[Any, ...]):
    assert call(function, 1, 2, context="context") == given


def test_a_builtin_is_called_without_context():
    assert call(max, 1, 2, context="context") == 2


def takes_bytes(body: bytes, content_type: str) -> bytes:
    return body


def takes_str(body: str, content_type: str) -> str:
    return body


def test_who_declares_bytes():
    assert wants_bytes(takes_bytes)
    assert not wants_bytes(takes_str)
    assert not wants_bytes(without)
    assert not wants_bytes(max)


def test_the_context():
    head = {"headers": {"x-a": "1"}, "query": {"q": "2"}, "deadline": 5.0}
    context = Context({"gpu_id": 0}, head)
    assert context.get_request_header(0, "X-A") == "1"
    assert context.get_request_header(0, "X-B") is None
    assert context.get_all_request_header(0) == {"x-a": "1"}
    assert (context.query, context.deadline) == ({"q": "2"}, 5.0)
    for status in (99, 600):
        with pytest.raises(ValueError, match="is no status of an answer"):
            context.set_response_status(status)
    for name in ("Content-Length", "Transfer-Encoding", "connection"):
        with pytest.raises(ValueError, match="a handler cannot set"):
            context.set_response_header(0, name, "x")
