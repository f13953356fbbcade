"""The words that every part of `byoa pipeline` shares: tasks, products, records, reasons.

What pipeline.yaml means follows Ploomber 0.23 (https://docs.ploomber.io/en/latest/api/spec.html).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# The last row is ours: SageMaker jobs and an endpoint.
# fmt: off
Kind = Literal[
    "function", "notebook", "script", "shell",
    "sql-script", "sql-dump", "sql-transfer", "sql-upload",
    "download", "link", "input", "upload",
    "train", "process", "deploy",
]
ReasonKind = Literal[
    "new", "source", "module", "parameter", "option", "resource",
    "upstream", "product", "image", "forced",
]
# fmt: on
#: The only product of a task that names none.
SINGLE = ""


@dataclass(frozen=True)
class Dotted:
    """Something of the user's, by name: `module.name`, called with these keyword arguments."""

    path: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    object: Callable[..., Any] | None = None  #: from Python: the thing itself


@dataclass(frozen=True)
class Source:
    """Where a task's code is; exactly one of path and dotted is set, or only text (inline)."""

    path: str = ""  #: relative to the root, with slashes
    dotted: str = ""  #: module.function
    text: str = ""  #: the file's text, for everything but functions
    object: Callable[..., Any] | None = None  #: from Python: the function itself


@dataclass(frozen=True)
class Product:
    """What a task makes: a file or folder, or a table."""

    path: str = ""  #: relative to the root, with slashes; absolute when outside
    relation: tuple[str, str, str] | None = None  #: schema, name, "table" or "view"
    client: Dotted | None = None

    @property
    def is_file(self) -> bool:
        return self.relation is None


@dataclass(frozen=True)
class Limits:
    """What a task may use; None is no limit. A task is ended when it takes more."""

    seconds: float | None = None
    memory_mb: int | None = None
    cpus: float = 1
    gpus: int = 0
    attempts: int = 1  #: how often it may begin
    retry_on: tuple[str, ...] = ()  #: names of exceptions, "timeout", "memory", "killed"; () is any


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task, grids and placeholders worked out: only its upstream's bytes are open."""

    name: str
    kind: Kind
    source: Source
    products: Mapping[str, Product]  #: {SINGLE: …} or by key
    params: Mapping[str, Any] = field(default_factory=dict)
    #: as the code asks for it: {"get": ("get",), "fit-*": ("fit-1", "fit-2")}
    upstream: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)  #: params.resources_: key → path
    options: Mapping[str, Any] = field(default_factory=dict)  #: what its class knows
    client: Dotted | None = None
    product_client: Dotted | None = None
    serializer: Dotted | None = None
    unserializer: Dotted | None = None
    hooks: Mapping[str, Dotted] = field(default_factory=dict)  #: on_render, on_finish, on_failure
    limits: Limits = field(default_factory=Limits)
    family: str = ""  #: the grid that it is a point of
    point: Mapping[str, Any] = field(default_factory=dict)  #: its values there

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of the tasks that must be done before, each once."""
        return tuple(dict.fromkeys(name for names in self.upstream.values() for name in names))


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A whole pipeline; `tasks` is in an order in which they can run."""

    name: str  #: "pipeline" for pipeline.yaml, "pipeline.serve" for pipeline.serve.yaml
    root: str  #: absolute: products and sources are relative to it
    tasks: Mapping[str, Task]
    executor: Dotted = field(default_factory=lambda: Dotted("parallel"))
    clients: Mapping[str, Dotted] = field(default_factory=dict)
    hooks: Mapping[str, Dotted] = field(default_factory=dict)
    env: Mapping[str, Any] = field(default_factory=dict)
    import_from: tuple[str, ...] = ()  #: folders for sys.path, the root first
    templates: tuple[str, ...] = ()  #: source_loader's folders: what Jinja's imports look through
    notes: tuple[str, ...] = ()  #: what was odd while reading it, and stops nothing

    def downstream(self) -> dict[str, list[str]]:
        """For every task, those that ask for it."""
        found: dict[str, list[str]] = {name: [] for name in self.tasks}
        for task in self.tasks.values():
            for name in task.needs:
                found[name].append(task.name)
        return found


@dataclass(frozen=True)
class Fingerprint:
    """What decides a task's result: two equal ones need no second run.

    source: {"": the task's own code, "tasks/features.py:helper"…: what it uses of local modules}
    params, options: the values themselves; resources, upstream: content hashes, upstream by
    "task" or "task:product key". image: a digest where the task runs in an image.
    """

    source: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)
    upstream: Mapping[str, str] = field(default_factory=dict)
    products: Mapping[str, str] = field(default_factory=dict)  #: key → path or relation
    image: str = ""


@dataclass(frozen=True)
class Made:
    """A product as it was when its task had ended."""

    path: str
    digest: str  #: sha256 of a file's bytes or a folder's listing; a run's own token for a table
    size: int = 0
    stat: tuple[int, ...] = ()  #: size, mtime_ns, ctime_ns, inode: equal → not read again


@dataclass(frozen=True, kw_only=True)
class Record:
    """That a task was done: what decided it, what it made. One readable file a task."""

    task: str
    fingerprint: Fingerprint
    products: Mapping[str, Made]
    run: str = ""
    started: str = ""  #: ISO 8601, UTC
    seconds: float = 0
    cpu_seconds: float = 0
    peak_mb: float = 0
    attempts: int = 1
    log: str = ""  #: relative to the root
    metrics: Mapping[str, float] = field(default_factory=dict)
    accepted: bool = False  #: by mark-done, not by a run


@dataclass(frozen=True)
class Reason:
    """Why a task runs: `kind` for programs, `text` for people ("parameter n: 3 → 5")."""

    kind: ReasonKind
    text: str


@dataclass(frozen=True)
class Decision:
    """run: it will; perhaps: only if an upstream writes other bytes; keep: it is up to date."""

    task: str
    action: Literal["run", "perhaps", "keep", "left out"]
    reasons: tuple[Reason, ...] = ()
