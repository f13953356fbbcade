"""The resource types that the sandbox makes: each as calls of its own service's API."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from byoa.plan.errors import error_code

Props = Mapping[str, Any]


class ResourceError(Exception):
    """A resource cannot be made as the template has it."""


@dataclass(frozen=True)
class Aws:
    """What a resource is made with: clients of this very sandbox."""

    client: Callable[[str], Any]
    region: str
    account: str


@dataclass(frozen=True)
class Kind:
    """How a type is made, changed and taken away. `identity` is what Ref gives."""

    create: Callable[[Aws, str, Props], str]  #: name or "", properties -> identity
    delete: Callable[[Aws, str, Props], None]
    #: identity, before, after; None: every change makes another one
    update: Callable[[Aws, str, Props, Props], None] | None = None
    #: what GetAtt answers
    attributes: Callable[[Aws, str, Props], Mapping[str, Any]] = lambda aws, identity, props: {}
    #: properties as they are now, those that can be told; None when it is gone
    live: Callable[[Aws, str, Props], Props | None] | None = None
    #: the properties that it carries out; another one of AWS's is refused, not passed over
    takes: frozenset[str] = frozenset()
    name: str = ""  #: the property that names it
    longest: int = 64  #: of a name that is made up
    lower: bool = False
    tagged: bool = (
        True  #: CloudFormation's own tags are put on it: the sandbox's service takes them
    )
    #: Ref of the one that bears a name
    identity: Callable[[Aws, str], str] = lambda aws, name: name


MODULES = {
    "AWS::IAM": "iam",
    "AWS::S3": "s3",
    "AWS::ECR": "ecr",
    "AWS::Logs": "logs",
    "AWS::Lambda": "functions",
    "AWS::CodeBuild": "codebuild",
    "AWS::StepFunctions": "states",
    "AWS::Events": "events",
    "AWS::SNS": "messages",
    "AWS::SQS": "messages",
    "AWS::SSM": "parameters",
    "AWS::SageMaker": "sagemaker",
    "AWS::CloudFormation": "handles",
}


def kind_of(resource_type: str) -> Kind | None:
    """None: the sandbox does not make it."""
    module = MODULES.get(resource_type.rpartition("::")[0])
    if module is None:
        return None
    try:
        found = importlib.import_module(f"byoa.sandbox.cloudformation.resources.{module}")
    except ModuleNotFoundError:
        return None
    kinds: Mapping[str, Kind] = found.KINDS
    return kinds.get(resource_type)


GONE = {"404", "StateMachineDoesNotExist", "QueueDoesNotExist"}


def words(text: str) -> frozenset[str]:
    """Names with spaces between them."""
    return frozenset(text.split())


def present(**values: Any) -> dict[str, Any]:
    """A request without what is not said."""
    return {name: value for name, value in values.items() if value is not None}


def small(value: Any) -> Any:
    """Keys with a small first letter, as the newer services' APIs spell them."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: small(item) for key, item in value.items()}
    return [small(item) for item in value] if isinstance(value, list) else value


def as_json(value: Any) -> str | None:
    """A document that may be written as text or as an object."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def gone(error: Exception) -> bool:
    """The service says that there is no such thing."""
    code = error_code(error)
    return code.startswith("NoSuch") or "NotFound" in code or code in GONE


@contextmanager
def or_else(undo: Callable[..., None], *given: Any) -> Iterator[None]:
    """The rest of a creation: when it fails, what was made by then goes again."""
    try:
        yield
    except Exception:
        undo(*given)
        raise


def forgiving(call: Callable[..., Any], **request: Any) -> None:
    """A deletion: what is gone already is no error."""
    try:
        call(**request)
    except Exception as error:
        if not gone(error):
            raise


def tag_map(props: Props) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in props.get("Tags") or []}
