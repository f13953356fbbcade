"""An item of `tasks`, read key by key; what is wrong with a key is said with its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from byoa.plan.pipeline import kinds
from byoa.plan.pipeline.bounds import limits_of
from byoa.plan.pipeline.dotted import called, dotted
from byoa.plan.pipeline.entries import Entry
from byoa.plan.pipeline.model import Dotted, Limits
from byoa.plan.pipeline.once import once
from byoa.plan.pipeline.problems import Problems, meant
from byoa.plan.pipeline.products import Template, relative, templates
from byoa.plan.pipeline.sections import Sections
from byoa.plan.pipeline.sources import INLINE, TEMPLATES, Code
from byoa.plan.pipeline.upstream import CodeError
from byoa.plan.pipeline.world import World

if TYPE_CHECKING:
    from byoa.plan.pipeline.spots import Draft

RESOURCES = "resources_"


@dataclass(frozen=True)
class Context:
    """What every item needs; `families` are the grids made so far."""

    sections: Sections
    world: World
    problems: Problems
    families: dict[str, list[Draft]] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)  #: names of tasks that are not among the drafts


class Item:
    """What an entry says; nothing in it differs between the points of its grid."""

    def __init__(self, entry: Entry, code: Code, context: Context) -> None:
        self.entry, self.code, self.context = entry, code, context
        self.keys, self.kind = entry.keys, code.kind
        self.sections, self.world = context.sections, context.world
        self.name = str(name) if (name := entry.keys.get("name")) is not None else code.name
        self.is_job = self.kind in kinds.JOB_KINDS

    def say(self, key: str, text: str) -> None:
        self.context.problems.add(text, self.entry.line_of(key), self.name, self.entry.file)

    def dotted(self, key: str, what: str = "") -> Dotted | None:
        try:
            found = dotted(self.keys.get(key), what or key)
        except CodeError as error:
            self.say(key, str(error))
            return None
        if found is not None and found.object is None and (why := self.world.missing(found.path)):
            self.say(key, f"{key}: {why}")
        return found

    def check_keys(self) -> None:
        if self.is_job:  # job_options knows them
            return
        known = kinds.TASK | kinds.OPTIONS[self.kind]
        for key in self.keys.keys() - known - {INLINE, TEMPLATES}:
            others = [kind for kind, keys in kinds.OPTIONS.items() if key in keys]
            hint = f"It is for {', '.join(others)}." if others else meant(key, known)
            self.say(key, f"a {self.kind} task has no key {key!r}. {hint}")

    @once
    def params(self) -> Mapping[str, Any]:
        """The parameters, with what functions return."""
        said = self.said_params
        return {key: self.valued(value) for key, value in said.items() if key != RESOURCES}

    @once
    def said_params(self) -> Mapping[str, Any]:
        said = self.keys.get("params")
        if said is None:
            return {}
        if not isinstance(said, Mapping) or not all(isinstance(key, str) for key in said):
            self.say("params", f"params is {said!r}. Write NAME: VALUE.")
            return {}
        for name in said.keys() & {"upstream", "product"}:
            self.say("params", f"params has {name!r}, which every task has.")
        return said

    def valued(self, value: Any) -> Any:
        """A value, or what its `module::function` returns."""
        if not isinstance(value, (str, Mapping)) or (function := called(value)) is None:
            return value
        try:
            return self.world.call(function)
        except CodeError as error:
            self.say("params", str(error))
            return None

    @once
    def resources(self) -> dict[str, str]:
        """The files of resources_, by key, relative to the root."""
        said = self.said_params.get(RESOURCES)
        if said is None:
            return {}
        if not isinstance(said, Mapping):
            self.say("params", f"params.{RESOURCES} is {said!r}. Write NAME: PATH.")
            return {}
        found = {}
        for key, path in said.items():
            whole = f"{self.world.root}/{path}" if not str(path).startswith("/") else str(path)
            if not isinstance(path, str) or not self.world.exists(whole):
                self.say("params", f"params.{RESOURCES}.{key}: {path!r} is not there.")
                continue
            found[str(key)] = relative(whole, self.world.root)
        return found

    @once
    def product_class(self) -> str:
        name = kinds.CLASS_OF[self.kind]
        default = kinds.PRODUCT_OF.get(self.kind, "File")
        own = self.keys.get("product_class")
        said = str(own or self.sections.product_classes.get(name) or default)
        if said in kinds.NO_PRODUCTS:
            self.say("product_class", f"{said} is not taken over. {kinds.NO_PRODUCTS[said]}")
        elif said not in kinds.PRODUCTS:
            self.say("product_class", f"{said!r} is no product. {meant(said, kinds.PRODUCTS)}")
        return said

    @once
    def templates(self) -> dict[str, Template]:
        """The products' texts by key, [[…]] still in them."""
        if self.product_class == "EmptyProduct":
            return {}
        said = self.code.product if self.sections.extract_product else self.keys.get("product")
        if said is None:
            self.say("product", "product is missing. Write product: PATH.")
            return {}
        try:
            return templates(said)
        except CodeError as error:
            self.say("product", str(error))
            return {}

    @once
    def product_base(self) -> str:
        """The folder that products are relative to."""
        if self.sections.relative_to_source and self.code.source.path:
            return f"{self.world.root}/{self.code.source.path}".rpartition("/")[0]
        return self.world.root

    @once
    def client(self) -> Dotted | None:
        return self.dotted("client") or self.sections.clients.get(kinds.CLASS_OF[self.kind])

    @once
    def product_client(self) -> Dotted | None:
        return self.dotted("product_client") or self.sections.clients.get(self.product_class)

    @once
    def serializer(self) -> Dotted | None:
        return self.serial("serializer", self.sections.serializer)

    @once
    def unserializer(self) -> Dotted | None:
        return self.serial("unserializer", self.sections.unserializer)

    def serial(self, key: str, default: Dotted | None) -> Dotted | None:
        """A task's own, or the pipeline's; null is none."""
        if self.kind != "function":
            return None
        return self.dotted(key) if key in self.keys else default

    @once
    def hooks(self) -> dict[str, Dotted]:
        found = {key: self.dotted(key) for key in kinds.HOOKS if key in self.keys}
        return {key: hook for key, hook in found.items() if hook is not None}

    @once
    def limits(self) -> Limits:
        return limits_of(self.keys, self.say)

    @once
    def options(self) -> dict[str, Any]:
        """The keys that this kind alone knows, and ours that say how it is run."""
        known = kinds.OPTIONS[self.kind] - {"serializer", "unserializer"}
        taken = self.keys.keys() - kinds.TASK if self.is_job else self.keys.keys() & known
        found = {key: self.keys[key] for key in self.keys if key in taken}
        if self.product_class not in kinds.FILES:
            found["product_class"] = self.product_class
        folders = self.keys.get(TEMPLATES) or self.sections.loader
        if folders and self.kind in kinds.TEMPLATES:
            found[TEMPLATES] = [relative(folder, self.world.root) for folder in folders]
        staging = self.keys.get("staging", self.sections.staging)
        if not isinstance(staging, bool):
            self.say("staging", f"staging is {staging!r}. Write true or false.")
        if staging is False:
            found["staging"] = False
        return found
