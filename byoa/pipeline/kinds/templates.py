"""SQL and addresses with placeholders: Jinja as Ploomber sets it up, everything undefined refused.

https://docs.ploomber.io/en/latest/user-guide/templates.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, meta, nodes
from jinja2.exceptions import TemplateNotFound, TemplateRuntimeError, UndefinedError
from jinja2.ext import Extension
from jinja2.parser import Parser

from byoa.pipeline.order import Order, Relation
from byoa.pipeline.worker import TaskError
from byoa.plan.pipeline.model import Task
from byoa.plan.pipeline.references import RUNTIME

#: Every task has them, whether or not its template mentions them.
ALWAYS = {"product", "upstream", "resources_"}
RELATIONS = ("SQLRelation", "SQLiteRelation", "GenericSQLRelation", "PostgresRelation")


class Raise(Extension):
    """`{% raise "why" %}` ends the rendering."""

    tags = {"raise"}  # noqa: RUF012 - as Jinja declares it

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        call = self.call_method("ended", [parser.parse_expression()], lineno=line)
        return nodes.CallBlock(call, [], [], [], lineno=line)

    def ended(self, why: object, caller: object) -> str:
        raise TemplateRuntimeError(str(why))


def environment(folders: Iterable[str | Path] = ()) -> Environment:
    """Jinja with our globals; `{% import "macros.sql" as m %}` looks into the folders."""
    made = Environment(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        undefined=StrictUndefined,
        extensions=[Raise],
        autoescape=False,
    )
    made.globals["get_key"] = get_key
    made.globals.update(dict.fromkeys(RELATIONS, relation))
    return made


def get_key(path: Any, key: str) -> Any:
    """A value of an upstream product that is a .json or .yaml file."""
    suffix = Path(path).suffix
    if suffix == ".json":
        return json.loads(Path(path).read_bytes())[key]
    if suffix in {".yaml", ".yml"}:
        import yaml

        return yaml.safe_load(Path(path).read_bytes())[key]
    raise TemplateRuntimeError(f"get_key reads .json and .yaml files, not {Path(path).name!r}.")


def relation(parts: Iterable[str]) -> Relation:
    """`{% set product = SQLRelation(["schema", "name", "table"]) %}` in a script."""
    *schema, name, kind = parts
    return Relation(schema[0] if schema else "", name, kind)


def folders(task: Task, order: Order) -> list[Path]:
    """Where a task's macros are looked for: its source loader's, beside the script, the root."""
    beside = [Path(order.root, task.source.path).parent] if task.source.path else []
    return [*map(Path, order.templates), *beside, Path(order.root)]


def rendered(task: Task, order: Order) -> str:
    """The task's script with product, upstream and params filled in."""
    values = {**task.params, "product": order.product, "upstream": order.given_upstream}
    if order.resources:
        values["resources_"] = dict(order.resources)
    # Ploomber fills `[[upstream["x"]]]` in when upstream has run; with us it always has.
    text = RUNTIME.sub(lambda found: f"{{{{{found[0][2:-2]}}}}}", task.source.text)
    return fill(task, text, values, environment(folders(task, order)))


def fill(task: Task, text: str, values: Mapping[str, Any], made: Environment) -> str:
    where = task.source.path or f"the source of {task.name}"
    try:
        asked = meta.find_undeclared_variables(made.parse(text)) - set(made.globals)
        if unknown := sorted(asked - values.keys()):
            known = ", ".join(values)
            raise TaskError(f"{where} asks for {', '.join(unknown)}. There is {known}.")
        if unused := sorted(values.keys() - asked - ALWAYS):
            print(f"{where} does not use {', '.join(unused)}.")
        return made.from_string(text).render(values)
    except TemplateNotFound as error:
        raise TaskError(
            f"{where} imports {error.name}, which is not there. It is looked for in"
            f" {', '.join(map(str, getattr(made.loader, 'searchpath', ())))}."
        ) from None
    except UndefinedError as error:
        known = ", ".join(values["upstream"]) or "nothing"
        raise TaskError(
            f"{where} asks for what is not there: {error.message}. Upstream is {known}."
        ) from None
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise TaskError(f"{where}{f':{line}' if line else ''}: {error.message}") from None
