"""soopervisor.yaml: where a pipeline runs on AWS, a section a target; keys that are none are told.

Soopervisor's keys (https://soopervisor.readthedocs.io/en/latest/api/cli.html) mean what they mean
there; ours say what it leaves out: machines, bucket, role, read, attempts, timeout, tags, image.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.errors import UsageError

NAME = "soopervisor.yaml"
BACKEND = "aws-batch"
#: Soopervisor's other backends, and what there is instead.
OTHERS = ("aws-lambda", "argo-workflows", "airflow", "kubeflow", "slurm", "cloud")
#: What stands for a repository where the sandbox runs the project's files as plain processes.
PROCESS = "process://"
#: What `soopervisor add` writes for whoever fills it in.
HINTS = ("your-repository/name", "your-job-queue", "your-region-name")
#: A folder in S3, and in a policy no other one: IAM's wildcards and variables are left out.
ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/(?:[^*?$]*/)?")
#: A tag as AWS takes it; byoa's own come to those of the target.
TAG = r"[\w .:/=+@-]{{{}}}"
MOST_TAGS = 40
MARKETS = ("spot", "ec2", "fargate", "fargate-spot")


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a job gets; None: not said here."""

    vcpus: float | None = None
    memory_mb: int | None = None
    gpus: int | None = None


@dataclass(frozen=True, kw_only=True)
class Machines:
    """The compute environment that is made when no job queue is named."""

    market: str = "spot"
    types: tuple[str, ...] = ()
    most_vcpus: int = 256
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    role: str = ""  #: an instance profile; "" = one is made

    @property
    def fargate(self) -> bool:
        return self.market.startswith("fargate")


@dataclass(frozen=True, kw_only=True)
class Target:
    """One section of soopervisor.yaml."""

    name: str
    repository: str = ""
    queue: str = ""  #: "" = byoa's own is made
    region: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    container: Mapping[str, Any] = field(default_factory=dict)  #: container_properties' rest
    needs: Needs = field(default_factory=Needs)  #: container_properties' vcpus and memory
    task_needs: Mapping[str, Needs] = field(default_factory=dict)  #: by name or pattern, in order
    machines: Machines = field(default_factory=Machines)
    bucket: str = ""
    role: str = ""  #: the jobs' own; "" = one is made
    read: tuple[str, ...] = ()  #: addresses in S3 that tasks read besides
    write: tuple[str, ...] = ()
    attempts: int = 3
    timeout: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    image: str = ""  #: ready-made: nothing is built
    base_image: str = ""

    @property
    def by_processes(self) -> bool:
        return (self.image or self.repository).startswith(PROCESS)


class Problems(list[str]):
    """Sentences on one section, with where they are said."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def say(self, key: str, text: str) -> None:
        self.append(f"{self.where}: {key} {text}")


Check = Callable[[Any, str, Problems], Any]


def read_target(document: Any, name: str, path: str = NAME) -> Target:
    """The section `name`; UsageError with everything that is wrong in it."""
    sections = document if isinstance(document, Mapping) else {}
    if name not in sections:
        there = ", ".join(map(str, sections)) or "nothing"
        raise UsageError(
            f"{path} has no section {name!r} (it has: {there})."
            f" Write one: byoa pipeline init {name}"
        )
    problems = Problems(f"{path}, section {name}")
    said = mapping(sections[name], "it", problems)
    backend = said.get("backend", BACKEND)
    if backend in OTHERS:
        problems.say("backend", f"is {backend}, which byoa does not submit to - write {BACKEND}")
    elif backend != BACKEND:
        problems.say("backend", f"is {backend!r} - write {BACKEND}")
    if said.get("preset") is not None:
        problems.say("preset", f"is {said['preset']!r}, but {BACKEND} has none - drop it")
    found = taken(said, KEYS, "", problems, {"backend", "preset"})
    if both := sorted(set(found.get("include", ())) & set(found.get("exclude", ()))):
        problems.say("include", f"and exclude name both: {', '.join(both)} - drop one")
    if problems:
        raise UsageError("\n".join(problems))
    properties = dict(found.pop("container", {}))
    given = {
        "vcpus": properties.pop("vcpus", None),
        "memory_mb": properties.pop("memory", None),
        **wanted(properties.pop("resourceRequirements", ())),
    }
    needs = Needs(**{key: value for key, value in given.items() if value is not None})
    return Target(name=name, container=properties, needs=needs, **found)


REQUIREMENTS = {"VCPU": ("vcpus", float), "MEMORY": ("memory_mb", int), "GPU": ("gpus", int)}


def wanted(requirements: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """AWS's own list of needs, as ours."""
    return {
        REQUIREMENTS[one["type"]][0]: REQUIREMENTS[one["type"]][1](one["value"])
        for one in requirements
    }


def taken(
    said: Mapping[str, Any],
    known: Mapping[str, tuple[str, Check]],
    within: str,
    problems: Problems,
    others: Iterable[str] = (),
) -> dict[str, Any]:
    """The fields of what is said, checked; a key that is none is a problem with the nearest one."""
    found: dict[str, Any] = {}
    for key, value in said.items():
        if key in known:
            field_name, check = known[key]
            if value is not None:
                found[field_name] = check(value, f"{within}{key}", problems)
        elif key not in others:
            near = difflib.get_close_matches(str(key), [*known, *others], 1)
            hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(known)}"
            problems.say(f"{within}{key}", f"is no key - {hint}")
    return found


def text(value: Any, key: str, problems: Problems) -> str:
    if not isinstance(value, str):
        problems.say(key, f"is {value!r}, not text")
        return ""
    if value in HINTS:
        problems.say(key, f"still says {value} - name yours, or drop the line: byoa makes one")
    return value


def texts(value: Any, key: str, problems: Problems) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(one, str) for one in items):
        problems.say(key, f"is {value!r}, not a list of texts")
        return ()
    return tuple(items)


def addresses(value: Any, key: str, problems: Problems) -> tuple[str, ...]:
    found = texts(value, key, problems)
    for one in found:
        if not ADDRESS.fullmatch(one):
            problems.say(key, f"has {one!r} - write s3://BUCKET/FOLDER/, without * and ?")
    return found


def mapping(value: Any, key: str, problems: Problems) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        problems.say(key, f"is {value!r}, not names with values")
        return {}
    return {str(name): one for name, one in value.items()}


def tags(value: Any, key: str, problems: Problems) -> dict[str, str]:
    """https://docs.aws.amazon.com/batch/latest/userguide/using-tags.html"""
    found = {name: str(one) for name, one in mapping(value, key, problems).items()}
    if len(found) > MOST_TAGS:
        problems.say(key, f"are {len(found)}, and with byoa's own AWS takes 50 - drop some")
    for name, text in found.items():
        if not re.fullmatch(TAG.format("1,128"), name) or name.lower().startswith("aws:"):
            problems.say(
                f"{key}.{name}", "is no tag's name - take up to 128 letters, digits, _.:/=+-@"
            )
        if not re.fullmatch(TAG.format("0,256"), text):
            problems.say(f"{key}.{name}", f"is {text!r} - take up to 256 letters, digits, _.:/=+-@")
    return found


def whole(least: int, most: int) -> Check:
    def check(value: Any, key: str, problems: Problems) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            problems.say(key, f"is {value!r} - write a whole number from {least} to {most:,}")
            return least
        return value

    return check


def cpus(value: Any, key: str, problems: Problems) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1024:
        problems.say(key, f"is {value!r} - write a number of vCPUs, 0.25 or more")
        return 1
    return value


def market(value: Any, key: str, problems: Problems) -> str:
    if value not in MARKETS:
        problems.say(key, f"is {value!r} - write one of {', '.join(MARKETS)}")
    return str(value)


def properties(value: Any, key: str, problems: Problems) -> dict[str, Any]:
    """container_properties: RegisterJobDefinition's; those that byoa decides are problems."""
    found = mapping(value, key, problems)
    for name in ("image", "command"):
        if name in found:
            problems.say(f"{key}.{name}", "is byoa's to say - drop it")
    if not pairs(found.get("environment", []), "name"):
        problems.say(f"{key}.environment", "is no list of {name: …, value: …}")
    needs = found.get("resourceRequirements", [])
    if not pairs(needs, "type") or not all(sound(one) for one in needs):
        names = " or ".join(REQUIREMENTS)
        problems.say(
            f"{key}.resourceRequirements", f"is no list of {{type: {names}, value: a number}}"
        )
    if "vcpus" in found:
        cpus(found["vcpus"], f"{key}.vcpus", problems)
    if "memory" in found:
        MEMORY(found["memory"], f"{key}.memory", problems)
    return found


def pairs(value: Any, first: str) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, Mapping) and set(one) == {first, "value"} for one in value
    )


def sound(requirement: Mapping[str, Any]) -> bool:
    kind, value = requirement["type"], str(requirement["value"])
    whole = r"[1-9]\d{0,7}"
    pattern = rf"{whole}|0\.\d{{1,4}}|{whole}\.\d{{1,4}}" if kind == "VCPU" else whole
    return kind in list(REQUIREMENTS) and re.fullmatch(pattern, value) is not None


def task_needs(value: Any, key: str, problems: Problems) -> dict[str, Needs]:
    return {
        pattern: Needs(
            **taken(
                mapping(one, f"{key}.{pattern}", problems), NEEDS, f"{key}.{pattern}.", problems
            )
        )
        for pattern, one in mapping(value, key, problems).items()
    }


def machines(value: Any, key: str, problems: Problems) -> Machines:
    return Machines(**taken(mapping(value, key, problems), MACHINES, f"{key}.", problems))


MEMORY = whole(4, 12_000_000)
NEEDS: dict[str, tuple[str, Check]] = {
    "vcpus": ("vcpus", cpus),
    "memory": ("memory_mb", MEMORY),
    "gpu": ("gpus", whole(0, 16)),
}
MACHINES: dict[str, tuple[str, Check]] = {
    "market": ("market", market),
    "types": ("types", texts),
    "most_vcpus": ("most_vcpus", whole(1, 100_000)),
    "subnets": ("subnets", texts),
    "security_groups": ("security_groups", texts),
    "role": ("role", text),
}
KEYS: dict[str, tuple[str, Check]] = {
    "repository": ("repository", text),
    "job_queue": ("queue", text),
    "region_name": ("region", text),
    "container_properties": ("container", properties),
    "task_resources": ("task_needs", task_needs),
    "include": ("include", texts),
    "exclude": ("exclude", texts),
    "machines": ("machines", machines),
    "bucket": ("bucket", text),
    "role": ("role", text),
    "read": ("read", addresses),
    "write": ("write", addresses),
    "attempts": ("attempts", whole(1, 10)),
    "timeout": ("timeout", whole(60, 31_536_000)),
    "tags": ("tags", tags),
    "image": ("image", text),
    "base_image": ("base_image", text),
}
