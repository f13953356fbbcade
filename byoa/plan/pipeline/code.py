"""A module as its top-level statements: what each binds, uses, imports and does, and its hash."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from byoa.plan.pipeline.scopes import Import, Reader, Use, bound, target
from byoa.plan.pipeline.syntax import is_main, is_text, meaning

REGISTERS = ("__init_subclass__", "__subclasses__", "metaclass")
DIGITS = 20


@dataclass
class Part:
    """One top-level statement; of an import, one of its names."""

    digest: str
    binds: frozenset[str]
    uses: frozenset[Use] = frozenset()
    imports: tuple[Import, ...] = ()  #: wherever they stand in it
    at_load: tuple[Import, ...] = ()  #: those that happen while the module is loaded
    calls: frozenset[tuple[str, ...]] = frozenset()  #: made while the module is loaded
    bases: frozenset[tuple[str, ...]] = frozenset()  #: of classes
    acts: bool = False  #: does more than bind names, whatever it calls
    discards: bool = False  #: calls something and takes no result
    anything: bool = False  #: may use whatever its module has
    imports_module: bool = False  #: it is `import x`
    makes_nothing: bool = False  #: it is a class without code for making its objects
    at: int = 0  #: its place among its module's parts

    @property
    def label(self) -> str:
        return ", ".join(sorted(self.binds)[:3])


def sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


@dataclass
class Module:
    """What a module's text says."""

    name: str
    label: str  #: its path as people know it
    parts: list[Part] = field(default_factory=list)
    imports: dict[str, list[Import]] = field(default_factory=dict)  #: of the module's own names
    stars: list[str] = field(default_factory=list)
    registers: bool = False  #: its classes hear of their subclasses

    def add(self, part: Part) -> None:
        part.at = len(self.parts)
        self.parts.append(part)

    @cached_property
    def bindings(self) -> dict[str, list[Part]]:
        found: dict[str, list[Part]] = {}
        for part in self.parts:
            for name in part.binds:
                found.setdefault(name, []).append(part)
        return found

    @cached_property
    def read(self) -> frozenset[str]:
        """The names that its statements read. An import that nobody reads is there to act."""
        return frozenset(use.name for part in self.parts for use in part.uses)


def module_of(text: str, name: str, label: str, *, package: bool = False) -> Module:
    """The parts of a module's text; `package` says that it is a package's __init__.

    What cannot be parsed is one part that may do and use anything.
    """
    above = tuple(name.split(".")) if package else tuple(name.split("."))[:-1]
    try:
        return read(ast.parse(text).body, text, Module(name, label), above)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        opaque = Part(sha(text), frozenset(), acts=True, anything=True)
        return Module(name, label, [opaque])


def read(
    body: Iterable[ast.stmt], text: str, module: Module, above: tuple[str, ...] = ()
) -> Module:
    """Fills the module with the parts of these statements."""
    keep = "__doc__" in text
    module.registers = any(word in text for word in REGISTERS)
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for one in imported(node, module, above):
                module.add(one)
        elif not (isinstance(node, ast.Pass) or is_text(node) or is_main(node)):
            module.add(part(node, module, above, keep))
    return module


def part(node: ast.stmt, module: Module, above: tuple[str, ...], keep: bool) -> Part:
    reader = Reader(above)
    reader.visit(node, (), True)
    names = bound([node], above)
    for name, found in names.items():
        if found:
            module.imports.setdefault(name, []).extend(found)
    if "*" in names:
        module.stars += [one.module for one in names.pop("*")]
    return Part(
        sha(meaning(node, keep)),
        frozenset(names),
        frozenset(reader.uses),
        tuple(reader.imports),
        tuple(reader.at_load),
        frozenset(reader.calls),
        frozenset(reader.bases),
        acts=reader.acts or acts_on_items(node),
        discards=reader.discards,
        anything=reader.anything,
        makes_nothing=is_plain_class(node),
    )


def is_plain_class(node: ast.stmt) -> bool:
    """A class whose objects are made without any code of its own."""
    return isinstance(node, ast.ClassDef) and not any(
        isinstance(one, ast.FunctionDef) and one.name in {"__init__", "__new__", "__post_init__"}
        for one in node.body
    )


def acts_on_items(node: ast.stmt) -> bool:
    """x[key] = value, and the like, changes what x is elsewhere."""
    targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
    return isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and any(
        isinstance(inner, ast.Subscript | ast.Attribute)
        for one in targets
        if one is not None
        for inner in ast.walk(one)
    )


def imported(
    node: ast.Import | ast.ImportFrom, module: Module, above: tuple[str, ...]
) -> Iterator[Part]:
    """One part for each name, so that a new name on the same line is no change of the others."""
    for alias in node.names:
        name, found = target(node, alias, above)
        if found.attribute == "*":
            module.stars.append(found.module)
        else:
            module.imports.setdefault(name, []).append(found)
        one: ast.stmt = ast.Import(names=[alias])
        loaded = Import(alias.name)
        if isinstance(node, ast.ImportFrom):
            one = ast.ImportFrom(module=node.module, names=[alias], level=node.level)
            loaded = found
        yield Part(
            sha(meaning(one)),
            frozenset({name}),
            imports=(loaded,),
            at_load=(loaded,),
            imports_module=isinstance(node, ast.Import),
        )
