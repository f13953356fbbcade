"""pipeline.yaml's top level: what holds for all tasks.

https://docs.ploomber.io/en/latest/api/spec.html
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.pipeline import kinds
from byoa.plan.pipeline.dotted import dotted
from byoa.plan.pipeline.entries import Entries, Entry, Reader
from byoa.plan.pipeline.env import Env
from byoa.plan.pipeline.model import Dotted
from byoa.plan.pipeline.problems import Problems, meant
from byoa.plan.pipeline.table import line_of
from byoa.plan.pipeline.upstream import CodeError
from byoa.plan.pipeline.world import World

FLAGS = ("extract_upstream", "extract_product", "product_relative_to_source", "staging")


@dataclass(frozen=True)
class Sections:
    """The top level, checked."""

    tasks: tuple[Entry, ...] = ()
    clients: Mapping[str, Dotted] = field(default_factory=dict)
    hooks: Mapping[str, Dotted] = field(default_factory=dict)
    executor: Dotted = field(default_factory=lambda: Dotted("parallel"))
    serializer: Dotted | None = None
    unserializer: Dotted | None = None
    product_classes: Mapping[str, str] = field(default_factory=dict)
    loader: tuple[str, ...] = ()  #: absolute folders of source_loader
    extract_upstream: bool = True
    extract_product: bool = False
    relative_to_source: bool = False
    staging: bool = True


def sections(document: Any, env: Env, world: World, problems: Problems) -> Sections:
    """What the document says; what is wrong with it goes to `problems`."""
    if isinstance(document, list):
        document = {"tasks": document}
    if not isinstance(document, Mapping):
        problems.add("it holds no mapping and no list of tasks.", 1)
        return Sections()
    for key in document.keys() - kinds.TOP:
        problems.add(
            f"there is no key {key!r}. {meant(key, kinds.TOP - {'location'})}",
            line_of(document, key),
        )
    top = Top(document, env, world, problems)
    meta = top.mapping("meta", kinds.META)
    top.config()
    entries = Entries(env, problems)
    own = entries.own(document)
    imported = entries.imported(meta, world, len(own))
    return Sections(
        tasks=(*own, *imported),
        clients=top.clients(),
        hooks=top.dotted_keys(kinds.HOOKS),
        executor=top.executor(),
        serializer=top.dotted("serializer"),
        unserializer=top.dotted("unserializer"),
        product_classes=top.product_classes(meta),
        loader=top.loader(meta, world),
        relative_to_source=bool(meta.get("product_relative_to_source", False)),
        **{flag: top.flag(meta, flag) for flag in FLAGS if flag in meta and "relative" not in flag},
    )


class Top(Reader):
    """Reads one key of the top level after the other."""

    def __init__(
        self, document: Mapping[str, Any], env: Env, world: World, problems: Problems
    ) -> None:
        super().__init__(env, problems)
        self.document, self.world = document, world

    def value(self, key: str) -> Any:
        """A key's value, its placeholders filled in."""
        return self.filled(self.document.get(key), line_of(self.document, key))

    def mapping(self, key: str, known: frozenset[str]) -> Mapping[str, Any]:
        value = self.value(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.problems.add(f"{key} is {value!r}, no mapping.", line_of(self.document, key))
            return {}
        for inner in value.keys() - known:
            self.problems.add(
                f"{key} has no key {inner!r}. {meant(inner, known)}", line_of(value, inner)
            )
        return value

    def flag(self, meta: Mapping[str, Any], key: str) -> bool:
        value = meta[key]
        if not isinstance(value, bool):
            self.problems.add(f"meta.{key} is {value!r}. Write true or false.", line_of(meta, key))
        return bool(value)

    def config(self) -> None:
        config = self.mapping("config", kinds.CONFIG | {"outdated_by_code"})
        if config.get("outdated_by_code", True) is not True:
            self.problems.add(
                "config.outdated_by_code: false is not taken over: changed code is run."
                " `byoa pipeline mark-done TASK` keeps what a task made.",
                line_of(config, "outdated_by_code"),
            )

    def dotted(self, key: str) -> Dotted | None:
        return self.named(self.value(key), key, line_of(self.document, key))

    def named(self, value: Any, key: str, line: int) -> Dotted | None:
        """Something of the user's that is there."""
        try:
            found = dotted(value, key)
        except CodeError as error:
            self.problems.add(str(error), line)
            return None
        if found is not None and found.object is None and (why := self.world.missing(found.path)):
            self.problems.add(f"{key}: {why}", line)
        return found

    def dotted_keys(self, keys: tuple[str, ...]) -> dict[str, Dotted]:
        found = {key: self.dotted(key) for key in keys if key in self.document}
        return {key: value for key, value in found.items() if value is not None}

    def clients(self) -> dict[str, Dotted]:
        said = self.mapping("clients", frozenset(kinds.CLASSES) | kinds.PRODUCTS)
        found = {
            str(name): self.named(value, f"clients.{name}", line_of(said, name))
            for name, value in said.items()
        }
        return {name: client for name, client in found.items() if client is not None}

    def executor(self) -> Dotted:
        value = self.value("executor")
        if value is None or (isinstance(value, str) and value in kinds.EXECUTORS):
            return Dotted(value or "parallel")
        line = line_of(self.document, "executor")
        try:
            said = dotted(value, "executor")
        except CodeError:
            said = None
        if said is None or said.path not in kinds.EXECUTOR_PATHS:
            self.problems.add(
                f"the executor {value!r} is not taken over. Use serial, parallel or"
                " ploomber.executors.Serial or Parallel; `byoa pipeline submit` runs elsewhere.",
                line,
            )
            return Dotted("parallel")
        return Dotted(kinds.EXECUTOR_PATHS[said.path], said.arguments)

    def product_classes(self, meta: Mapping[str, Any]) -> dict[str, str]:
        said = meta.get("product_default_class") or {}
        if not isinstance(said, Mapping):
            self.problems.add(
                f"meta.product_default_class is {said!r}. Write TASK CLASS: PRODUCT CLASS.",
                line_of(meta, "product_default_class"),
            )
            return {}
        for task, product in said.items():
            line = line_of(said, task)
            if str(task) not in kinds.CLASSES:
                self.problems.add(f"{task!r} is no class. {meant(task, kinds.CLASSES)}", line)
            if str(product) not in kinds.PRODUCTS:
                self.problems.add(
                    f"{product!r} is no product. {meant(product, kinds.PRODUCTS)}", line
                )
        return {str(task): str(product) for task, product in said.items()}

    def loader(self, meta: Mapping[str, Any], world: World) -> tuple[str, ...]:
        """The folders that source_loader's path and module mean."""
        said = meta.get("source_loader")
        if said is None:
            return ()
        line = line_of(meta, "source_loader")
        if not isinstance(said, Mapping) or not said or said.keys() - {"path", "module"}:
            self.problems.add(f"source_loader is {said!r}. Write path:, module: or both.", line)
            return ()
        base = world.folder
        if said.get("module") is not None:
            found = world.module_folder(str(said["module"]))
            if found is None:
                self.problems.add(f"source_loader: there is no module {said['module']!r}.", line)
                return ()
            base = found
        paths = said.get("path") or ""
        several = paths if isinstance(paths, list) else [paths]
        return tuple(posixpath.normpath(posixpath.join(base, str(path))) for path in several)
