"""A buildspec read and checked: what will run, before any of it does.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PHASES = ("install", "pre_build", "build", "post_build")
#: What CodeBuild knows and the sandbox leaves aside, telling so in the build's log.
LEFT_ASIDE = ("cache", "reports", "proxy")
#: What would make another build of it than the one that was meant: refused.
REFUSED = ("batch", "run-as")


class BuildspecError(Exception):
    """What is wrong with a buildspec, and where."""


@dataclass(frozen=True)
class Phase:
    """Commands one after the other; `finally_` always runs after them."""

    name: str
    commands: tuple[str, ...] = ()
    finally_: tuple[str, ...] = ()
    goes_on: bool = False  #: on-failure: CONTINUE


@dataclass(frozen=True)
class Buildspec:
    """A checked buildspec."""

    phases: tuple[Phase, ...]
    shell: str = "bash"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)  #: variable -> name in SSM
    secrets: Mapping[str, str] = field(default_factory=dict)  #: variable -> Secrets Manager's
    exported: tuple[str, ...] = ()
    artifacts: Mapping[str, Any] = field(default_factory=dict)
    left_aside: tuple[str, ...] = ()


def parse(text: str) -> Buildspec:
    """The buildspec in a text; BuildspecError says what CodeBuild would not take."""
    import yaml

    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BuildspecError(f"it is not YAML: {error}") from None
    document = mapping(document, "the buildspec")
    if str(document.get("version")) not in {"0.2", "0.1"}:
        raise BuildspecError(f"version is {document.get('version')!r}, not 0.2")
    for name in REFUSED:
        if name in document:
            raise BuildspecError(f"{name} is not carried out in the sandbox")
    environment = mapping(document.get("env"), "env")
    phases = mapping(document.get("phases"), "phases")
    unknown = sorted(str(name) for name in phases if name not in PHASES)
    if unknown or not phases:
        raise BuildspecError(f"phases are {', '.join(PHASES)}, not {', '.join(unknown) or 'none'}")
    return Buildspec(
        phases=tuple(phase(name, phases[name]) for name in PHASES if name in phases),
        shell=shell(environment.get("shell", "bash")),
        variables=texts(environment.get("variables"), "env/variables"),
        parameters=texts(environment.get("parameter-store"), "env/parameter-store"),
        secrets=texts(environment.get("secrets-manager"), "env/secrets-manager"),
        exported=lines(environment.get("exported-variables"), "env/exported-variables"),
        artifacts=mapping(document.get("artifacts"), "artifacts"),
        left_aside=tuple(name for name in LEFT_ASIDE if document.get(name)),
    )


def phase(name: str, value: Any) -> Phase:
    value = mapping(value, f"phases/{name}")
    if "run-as" in value:
        raise BuildspecError(f"phases/{name}/run-as is not carried out in the sandbox")
    on_failure = value.get("on-failure", "ABORT")
    if on_failure not in {"ABORT", "CONTINUE"}:
        raise BuildspecError(f"phases/{name}/on-failure: {on_failure!r} is not carried out here")
    return Phase(
        name,
        lines(value.get("commands"), f"phases/{name}/commands"),
        lines(value.get("finally"), f"phases/{name}/finally"),
        on_failure == "CONTINUE",
    )


def shell(value: Any) -> str:
    if value not in {"bash", "sh", "/bin/bash", "/bin/sh"}:
        raise BuildspecError(f"env/shell: {value!r} is not carried out in the sandbox: bash or sh")
    return str(value).rpartition("/")[2]


def mapping(value: Any, where: str) -> dict[str, Any]:
    """A mapping; what is left empty in YAML is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BuildspecError(f"{where} is no mapping")
    return value


def texts(value: Any, where: str) -> dict[str, str]:
    """Names and values, both as texts."""
    found = {}
    for name, item in mapping(value, where).items():
        if isinstance(item, dict | list) or not isinstance(name, str) or not is_variable(name):
            raise BuildspecError(f"{where}/{name} is no variable with a value")
        found[name] = as_text(item)
    return found


def as_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_variable(name: str) -> bool:
    return name.isascii() and name.isidentifier()


def lines(value: Any, where: str) -> tuple[str, ...]:
    """A list of texts, or one text."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not all(
        isinstance(line, str | int | float) for line in value
    ):
        raise BuildspecError(f"{where} is no list of texts (a colon in one? quote it)")
    return tuple(str(line) for line in value)
