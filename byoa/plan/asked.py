"""What a Lambda function is asked: its event as typed values, or one sentence on what is wrong.

The JSON is the same from a state machine, by hand and from an event; its keys are AWS's kind of
words (`MaxRunSeconds`), the fields here their Python spelling.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from byoa.plan.advice import explain, passes_by
from byoa.plan.errors import ByoaError, UsageError
from byoa.plan.layout import bucket_and_key

Texts = Mapping[str, str]
Words = Sequence[str]
Fields = Mapping[str, Any]
#: What a field of a kind takes, in words; the check is `fits`.
KINDS = {
    "str": "text",
    "int": "a whole number of 1 or more",
    "bool": "true or false",
    "Texts": "an object of names and texts",
    "Words": "a list of texts",
    "Fields": "an object",
}
Asked = TypeVar("Asked")


class TryAgainError(ByoaError):
    """AWS was busy: the same call may do well in a moment. State machines retry on its name."""


@dataclass(frozen=True, kw_only=True)
class BuildImage:
    """An image out of a zip in S3, or out of files that stand in the event."""

    context: str = ""  #: s3://bucket/key.zip, or codecommit://REPOSITORY@COMMIT
    files: Texts = field(default_factory=dict)
    repository: str = ""
    tag: str = ""  #: moved to the image, beside the tag that its content gives it
    variables: Texts = field(default_factory=dict)  #: build_and_push.sh's, or --build-arg's
    start: bool = True  #: false: only say what codebuild:startBuild is to be given
    wait: bool = False
    force: bool = False


@dataclass(frozen=True, kw_only=True)
class IngestData:
    """A file of any size from a URL into S3."""

    source: str  #: https://, http:// or s3://
    target: str = ""  #: s3://bucket/key, or a folder that ends in "/"
    sha256: str = ""
    max_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class StartJob:
    """What both kinds of job are asked with."""

    image: str
    name: str = ""  #: what the job's name begins with
    client_request_token: str = ""  #: the same token, the same job
    environment: Texts = field(default_factory=dict)
    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    volume_gb: int = 30
    max_run_seconds: int = 86_400
    request: Fields = field(default_factory=dict)  #: AWS's own fields, on top


@dataclass(frozen=True, kw_only=True)
class PreprocessData(StartJob):
    """A Processing job; `code` is a program in S3 that `command` runs."""

    code: str = ""
    command: Words = ()
    arguments: Words = ()
    inputs: Texts = field(default_factory=dict)
    outputs: Texts = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrainModel(StartJob):
    """A training job."""

    channels: Texts = field(default_factory=dict)
    hyperparameters: Fields = field(default_factory=dict)
    metrics: Texts = field(default_factory=dict)  #: name: regular expression with one group
    output_path: str = ""
    spot: bool = False


def read(kind: type[Asked], event: Any) -> Asked:
    """The event as a `kind`; UsageError names the first key that is wrong."""
    if not isinstance(event, Mapping):
        raise UsageError(f"The event is {shown(event)}, and should be an object: {example(kind)}.")
    known = {spelled(one.name): one for one in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key, value in event.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1, 0.5)
            hint = f"Did you mean {near[0]}?" if near else f"It has: {', '.join(known)}."
            raise UsageError(f"The event has {shown(key)}, which nothing here reads. {hint}")
        word = str(known[key].type)
        if not fits(word, value):
            raise UsageError(f"{key} is {shown(value)}. Give {KINDS[word]}.")
    for key, one in known.items():
        needed = one.default is one.default_factory is dataclasses.MISSING
        if needed and not event.get(key):
            raise UsageError(f"The event has no {key}. Give one: {example(kind)}.")
    return kind(**{known[key].name: value for key, value in event.items()})


def answered(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the call answers; an error of AWS as a sentence that says what to do."""
    try:
        return call()
    except Exception as error:
        told = explain(error)
        if told is None:
            raise  # a bug of ours: its traceback is what is needed
        if told is not error and passes_by(error):
            told = TryAgainError(str(told))
        raise told.with_traceback(None) from None


def of_object(event: Any, key: str) -> Any:
    """EventBridge's "Object Created" as {key: address}; any other event as it is.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    detail = event.get("detail") if isinstance(event, Mapping) else None
    if not isinstance(detail, Mapping) or event.get("source") != "aws.s3":
        return event
    bucket, found = detail.get("bucket"), detail.get("object")
    if not isinstance(bucket, Mapping) or not isinstance(found, Mapping):
        raise UsageError(f"This event of S3 names no object: {shown(detail)}. Send it unchanged.")
    return {key: f"s3://{bucket.get('name')}/{found.get('key')}"}


def spelled(name: str) -> str:
    """max_run_seconds → MaxRunSeconds."""
    return "".join(word.capitalize() for word in name.split("_"))


def fits(word: str, value: Any) -> bool:
    if word == "int":
        return isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if word in ("str", "bool"):
        return type(value).__name__ == word
    if word == "Words":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if not isinstance(value, Mapping):
        return False
    return word == "Fields" or all(isinstance(one, str) for one in value.values())


def example(kind: type[Any]) -> str:
    """An event that is enough: the keys that must be there."""
    needed = [
        spelled(one.name)
        for one in dataclasses.fields(kind)
        if one.default is one.default_factory is dataclasses.MISSING
    ]
    return "{" + ", ".join(f'"{key}": "…"' for key in needed or ["Context"]) + "}"


def shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def object_address(uri: str, what: str) -> tuple[str, str]:
    """Bucket and key of one object; UsageError where the address names a bucket or is none."""
    bucket, key = bucket_and_key(uri)
    if not key or "\0" in uri or not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
        raise UsageError(f"{what} is {shown(uri)}. Write s3://bucket/key.")
    return bucket, key
