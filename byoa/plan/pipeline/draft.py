"""An item of `tasks` made into tasks whose upstream is still a list of words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from byoa.plan.pipeline.entries import Entry, label
from byoa.plan.pipeline.item import Context, Item
from byoa.plan.pipeline.job_options import problems as job_problems
from byoa.plan.pipeline.job_options import upstream_of
from byoa.plan.pipeline.model import Product, Task
from byoa.plan.pipeline.names import family_of, rendered
from byoa.plan.pipeline.notebook_check import problems as notebook_problems
from byoa.plan.pipeline.placeholders import POINT, Missing, fill_point, walk
from byoa.plan.pipeline.problems import listed
from byoa.plan.pipeline.products import of_points, product
from byoa.plan.pipeline.sources import code_of, stem
from byoa.plan.pipeline.spots import NO_POINT, Draft, Spot, is_grid, spots
from byoa.plan.pipeline.table import mapped
from byoa.plan.pipeline.upstream import CodeError

NO_NAME = re.compile(r"[\x00-\x1f\x7f/\\]|^\.|^-")
LONGEST_NAME = 200


def drafts(entry: Entry, context: Context) -> list[Draft]:
    """The tasks that an entry means: one, or a grid's points; [] when it cannot be read."""
    try:
        item = Item(entry, code_of(entry, context.sections, context.world), context)
    except CodeError as error:
        called = label(entry.keys)
        context.problems.add(str(error), entry.line_of("source"), called, entry.file)
        context.unread.update({called, stem(called), called.rpartition(".")[2]})
        return []
    item.check_keys()
    if not item.name:
        item.say("name", "name is missing. Write name: WHAT-IT-IS-CALLED.")
    found = spots(item)
    if not found or not item.name:
        context.unread.add(item.name)
        return []
    made = [
        draft(item, name, spot, products, index)
        for index, (name, spot, products) in enumerate(
            zip(names_of(item, found), found, products_of(item, found), strict=True)
        )
    ]
    if is_grid(item):
        context.families[made[0].task.family] = made
        context.families.setdefault(item.name, made)
    return made


def family_name(item: Item, spot: Spot) -> str:
    """What the grid is called: by its name, with its parameters where that is taken."""
    name = family_of(item.name, item.code.name)
    if name not in item.context.families:
        return name
    longer = "-".join([name, *spot.own])
    return longer if longer not in item.context.families else item.name


def names_of(item: Item, found: Sequence[Spot]) -> list[str]:
    if not is_grid(item):
        return [item.name]
    values, axes = [spot.point.values for spot in found], [spot.point.axes for spot in found]
    return rendered(item.name, values, axes, False)


def products_of(item: Item, found: Sequence[Spot]) -> list[dict[str, Product]]:
    """The products of every point; problems are said, and leave none."""
    made = [item.templates]
    if is_grid(item):
        values, axes = [spot.point.values for spot in found], [spot.point.axes for spot in found]
        made = list(of_points(item.templates, values, axes))
    name, base, root, client = (
        item.product_class, item.product_base, item.world.root, item.product_client,
    )  # fmt: skip
    try:
        return [
            {key: product(one, name, base, root, client) for key, one in each.items()}
            for each in made
        ]
    except CodeError as error:
        item.say("product", str(error))
        return [{} for _ in found]


def draft(item: Item, name: str, spot: Spot, products: Mapping[str, Product], index: int) -> Draft:
    given, options = item.params, item.options
    if spot.point is not NO_POINT:
        change = in_point(spot.point.values)
        given, options = mapped(given, change), mapped(options, change)
    asked_for = {
        key: spot.point.values[key] for key in item.code.asks_for if key in spot.point.values
    }
    params = {**asked_for, **spot.own, **given} if spot.parents else {**spot.own, **given}
    check_name(item, name)
    check_call(item, params, bool(products))
    if item.is_job:
        for text in job_problems(item.kind, name, item.code.source.path, options, products):
            item.say("class", text.removeprefix(f"{name}: "))
    made_of = family_name(item, spot) if is_grid(item) else ""
    task = Task(
        name=name,
        kind=item.kind,
        source=item.code.source,
        products=products,
        params=params,
        resources=item.resources,
        options=options,
        client=item.client,
        product_client=item.product_client,
        serializer=item.serializer,
        unserializer=item.unserializer,
        hooks=item.hooks,
        limits=item.limits,
        family=made_of,
        point=spot.point.values,
    )
    if item.kind in {"notebook", "script"}:
        for text in notebook_problems(task):
            item.say("source", text.removeprefix(f"{name}: "))
    alias = f"{item.name}{index}" if made_of and "[[" not in item.name else ""
    return Draft(task, asked(item, options), item.entry, spot.parents, spot.point.axes, alias)


def in_point(point: Mapping[str, Any]) -> Callable[[str], Any]:
    """Fills [[name]] in: alone it is the value itself, within a text its words."""

    def change(text: str) -> Any:
        if "[[" not in text:
            return text
        alone = POINT.fullmatch(text)
        if alone is None:
            return fill_point(text, point)
        try:
            return walk(alone[1], lambda first: point[first])
        except (KeyError, Missing):
            return ""

    return change


def asked(item: Item, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The words for the upstream: what the code says, what the options say, what is given."""
    said = item.keys.get("upstream")
    given = [said] if isinstance(said, str) else said or []
    if not isinstance(given, list) or not all(isinstance(name, str) and name for name in given):
        item.say("upstream", f"upstream is {said!r}. Write a list of names.")
        given = []
    found = list(item.code.upstream) if item.sections.extract_upstream else []
    found += upstream_of(item.kind, options) if item.is_job else []
    return tuple(dict.fromkeys([*given, *found]))


def check_name(item: Item, name: str) -> None:
    if NO_NAME.search(name) or len(name.encode()) > LONGEST_NAME or not name.strip():
        item.say(
            "name",
            f"the name {name!r} cannot be a file's: no slash, no dot or dash at its beginning,"
            f" at most {LONGEST_NAME} bytes.",
        )


def check_call(item: Item, params: Mapping[str, Any], has_products: bool) -> None:
    """Whether the function takes what it will be given."""
    function = item.code.function
    if function is None or not function.read:
        return
    given = params.keys() | ({"resources_"} if item.resources else set())
    extra = [] if function.anything else sorted(given - set(function.arguments))
    if extra:
        item.say("params", f"{function.name} takes no {listed(extra)}.")
    missing = set(function.required) - given - {"product", "upstream"}
    if missing:
        item.say("params", f"{function.name} wants {listed(sorted(missing))}. Write params.")
    takes = "product" in function.arguments
    if item.serializer is not None and "product" in function.required:
        item.say("source", f"{function.name} takes product, and has a serializer: return instead.")
    elif item.serializer is None and has_products and not (takes or function.anything):
        item.say("source", f"{function.name} takes no argument product.")
