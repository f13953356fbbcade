"""Tasks by Ploomber's names, made in a factory: each joins its DAG."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byoa.pipeline import api
from byoa.pipeline.ploomber.things import Placeholder, Product
from byoa.plan.errors import UsageError
from byoa.plan.pipeline.kinds import CLASSES, HOOKS

if TYPE_CHECKING:
    from byoa.pipeline.ploomber.dag import DAG

#: Classes whose source is code when it is a text; for the others a text is a path or an address.
CODE = {"SQLScript", "SQLDump", "SQLTransfer", "ShellScript", "NotebookRunner", "ScriptRunner"}


class Task(api.Task):
    """A task of a DAG; `>>` says what comes after it."""

    on_render: Callable[..., Any] | None = None
    on_finish: Callable[..., Any] | None = None
    on_failure: Callable[..., Any] | None = None

    def __init__(
        self,
        source: Any,
        product: Any = None,
        dag: DAG | None = None,
        name: str | None = None,
        params: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(None, None, name=name, params=dict(params or {}) or None, **options)
        self.given, self.product, self.params = source, product, params or {}
        self.dag = dag
        if callable(source):
            self.source = source
        if dag is not None:
            dag.add(self)

    @property
    def class_name(self) -> str:
        return next((one.__name__ for one in type(self).__mro__ if one.__name__ in CLASSES), "")

    @property
    def name(self) -> str:
        if self.keys["name"] is not None:
            return str(self.keys["name"])
        if isinstance(self.given, Placeholder):
            return self.given.path.stem
        if isinstance(self.given, os.PathLike):
            return Path(self.given).stem
        return super().name

    def build(self, force: bool = False, **_: Any) -> dict[str, str]:
        """Runs this task and what it needs; with `force`, itself in any case."""
        if self.dag is None:
            raise UsageError(f"{self.name} is of no DAG.")
        return self.dag.build_only(self.name, force)

    def __str__(self) -> str:
        return str(self.product)

    def set_upstream(self, other: Any, group_name: str | None = None) -> None:
        if group_name is not None:
            raise UsageError("group_name is not taken over. Ask for several tasks by 'name-*'.")
        self.after(*(other if hasattr(other, "__iter__") else [other]))

    def __rshift__(self, other: Any) -> Any:
        other.set_upstream(self)
        return other

    def __add__(self, other: Any) -> Any:
        from byoa.pipeline.ploomber.groups import TaskGroup

        return TaskGroup([self, *(other if isinstance(other, TaskGroup) else [other])])

    def as_entry(self) -> dict[str, Any]:
        """What pipeline.yaml would say."""
        entry = super().as_entry()
        entry |= {"class": self.class_name, "name": self.name}
        entry |= self.source_keys() | product_keys(self.product)
        for hook in HOOKS:
            if (said := getattr(self, hook, None)) is not None:
                entry[hook] = said
        return entry

    def source_keys(self) -> dict[str, Any]:
        given = self.given
        if given is None or callable(given):
            return {}
        if isinstance(given, Placeholder):
            found: dict[str, Any] = {"source": str(given.path)}
            if self.class_name.startswith("SQL") or self.class_name == "ShellScript":
                found["templates"] = [str(folder) for folder in given.folders]
            return found
        if isinstance(given, os.PathLike):
            return {"source": os.fspath(given)}
        return {"text": given} if self.class_name in CODE else {"source": given}


def product_keys(product: Any) -> dict[str, Any]:
    """The product, its class and its client, as pipeline.yaml has them."""
    several = list(product.values()) if isinstance(product, Mapping) else [product]
    first = next((one for one in several if isinstance(one, Product)), None)
    if first is None:
        return {"product": product} if product is not None else {}
    found: dict[str, Any] = {"product_class": type(first).__name__}
    if first.client is not None:
        found["product_client"] = api.as_named(first.client)
    if isinstance(product, Mapping):
        return found | {"product": {key: said(one) for key, one in product.items()}}
    return found | {"product": said(product)}


def said(one: Any) -> Any:
    return one.said if isinstance(one, Product) else one


class PythonCallable(Task):
    """A function."""


class NotebookRunner(Task):
    """A notebook, or a script that becomes one."""


class ScriptRunner(Task):
    """A script, without a notebook."""


class ShellScript(Task):
    """A shell script."""


class SQLScript(Task):
    """SQL that makes a table or view."""


class SQLDump(Task):
    """A query into a file."""


class SQLTransfer(Task):
    """A query into a table of another database."""


class SQLUpload(Task):
    """A file into a table."""


class DownloadFromURL(Task):
    """A file from an address."""


class UploadToS3(Task):
    """A file to S3."""


class Link(Task):
    """A product that is there already."""

    def __init__(self, product: Any, dag: DAG, name: str) -> None:
        super().__init__(None, product, dag, name)


class Input(Link):
    """A product that is there already, and always new."""
