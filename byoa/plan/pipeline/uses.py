"""Which definitions of which local modules some code uses, name by name, whatever they use too.

Where that cannot be seen (getattr of a module, eval, import_module of a variable) all of the module
counts: rather a run too many than a stale result. What a module does while it is loaded counts for
whoever loads it.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from byoa.plan.pipeline.code import Module, Part, sha
from byoa.plan.pipeline.scopes import Import, Use

#: A module of the project by its dotted name; None for anything installed, or not there.
Find = Callable[[str], "Module | None"]
#: The names of all modules of the project below a package; "" is all.
Below = Callable[[str], Iterable[str]]
#: Whether a name is a folder of modules without an __init__.
Folder = Callable[[str], bool]

#: What describes pipelines: it does nothing to whoever is described.
OURS = frozenset({"byoa", "ploomber"})
#: Builtins that only make a value of what they are given.
PURE = frozenset(
    {
        *("int", "float", "str", "bool", "bytes", "complex", "list", "tuple", "dict", "set"),
        *("frozenset", "range", "len", "min", "max", "sum", "abs", "round", "sorted", "reversed"),
        *("zip", "enumerate", "map", "filter", "slice", "object", "type", "super", "isinstance"),
        *("property", "staticmethod", "classmethod", "divmod", "pow", "ord", "chr", "repr", "any"),
        *("all", "hash", "getattr", "hasattr", "bytearray", "memoryview", "format", "iter"),
    }
)
#: Functions of other people's packages that only make a value, by their last name.
MAKERS = frozenset(
    {
        *("namedtuple", "field", "dataclass", "compile", "getLogger", "get_logger", "partial"),
        *("getenv", "join", "dirname", "abspath", "realpath", "basename", "expanduser", "cache"),
        *(
            "lru_cache",
            "cached_property",
            "wraps",
            "contextmanager",
            "asynccontextmanager",
            "total_ordering",
        ),
        *("abstractmethod", "overload", "final", "runtime_checkable", "auto", "count", "getcwd"),
        *("array", "arange", "linspace", "zeros", "ones", "dtype", "jit", "njit", "vectorize"),
        *(
            "no_grad",
            "inference_mode",
            "with_env",
            "dedent",
            "itemgetter",
            "attrgetter",
            "singledispatch",
        ),
        *("default_rng", "device", "to_datetime", "date_range", "timedelta", "unique"),
    }
)
#: Methods that leave the object that they are called on as it was.
LOOKS = frozenset(
    {
        *("split", "rsplit", "splitlines", "strip", "lstrip", "rstrip", "lower", "upper", "title"),
        *(
            "join",
            "format",
            "replace",
            "encode",
            "decode",
            "items",
            "keys",
            "values",
            "copy",
            "get",
        ),
        *("resolve", "absolute", "joinpath", "with_suffix", "with_name", "expanduser", "as_posix"),
        *("startswith", "endswith", "partition", "rpartition", "union", "intersection", "index"),
        *("difference", "total_seconds", "cwd", "home", "fromkeys", "fromisoformat", "count"),
    }
)


@dataclass
class Loading:
    """What a module does while it is loaded."""

    imports: tuple[Import, ...]
    acting: tuple[Part, ...]


@dataclass
class Walk:
    """Collects the parts that some code uses, each once."""

    find: Find
    below: Below
    folder: Folder
    known: dict[str, Loading]  #: of modules that were looked at before, for whatever walk
    taken: dict[int, tuple[Module, Part]] = field(default_factory=dict)
    acting: set[int] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    waiting: list[tuple[Module, Part]] = field(default_factory=list)

    def run(self) -> None:
        while self.waiting:
            module, part = self.waiting.pop()
            for one in part.imports:
                self.load_import(one)
            for use in part.uses:
                self.use(module, use)
            if part.anything:
                self.all(module)

    def take(self, module: Module, part: Part) -> None:
        if id(part) not in self.taken:
            self.taken[id(part)] = (module, part)
            self.waiting.append((module, part))

    def all(self, module: Module) -> None:
        """Everything of a module, when what is used of it cannot be seen."""
        if module.name not in self.whole:
            self.whole.add(module.name)
            self.load(module.name)
            for part in module.parts:
                self.take(module, part)

    def load(self, name: str) -> None:
        """What happens while a module is loaded, its packages first."""
        pieces = name.split(".")
        for end in range(1, len(pieces) + 1):
            inner = ".".join(pieces[:end])
            if inner in self.loaded:
                continue
            self.loaded.add(inner)
            module = self.find(inner)
            if module is not None:
                self.begin(module)

    def begin(self, module: Module) -> None:
        loading = self.known.get(module.name)
        if loading is None:
            imports = dict.fromkeys(one for part in module.parts for one in part.at_load)
            acting = tuple(part for part in module.parts if self.acts(module, part))
            loading = self.known[module.name] = Loading(tuple(imports), acting)
        for one in loading.imports:
            self.load_import(one)
        for part in loading.acting:
            self.acting.add(id(part))
            self.take(module, part)

    def load_import(self, one: Import) -> None:
        if one.whole:
            names = self.below(one.module) if one.attribute or not one.module else [one.module]
            for name in names:
                self.load(name)
                module = self.find(name)
                if module is not None:
                    self.all(module)
            return
        self.load(one.module)
        if one.attribute and one.attribute != "*" and self.find(f"{one.module}.{one.attribute}"):
            self.load(f"{one.module}.{one.attribute}")

    def use(self, module: Module, use: Use) -> None:
        if use.local is not None:
            self.imported(use.local, use.attributes)
        else:
            self.name(module, use.name, use.attributes)

    def name(
        self,
        module: Module,
        name: str,
        attributes: tuple[str, ...] = (),
        seen: tuple[str, ...] = (),
    ) -> bool:
        """What a name of a module is; False when the module has not got it.

        `seen` are the modules that handed on all they have (`from x import *`) on the way here.
        """
        parts = module.bindings.get(name, ())
        for part in parts:
            self.take(module, part)
        for one in module.imports.get(name, ()):
            self.imported(one, attributes)
        if parts:
            return True
        seen = (*seen, module.name)
        stars = (self.find(star) for star in module.stars if star not in seen)
        return any(self.name(star, name, attributes, seen) for star in stars if star is not None)

    def imported(self, one: Import, attributes: tuple[str, ...]) -> None:
        """Follows `module.attribute.attribute…` as far as the project's modules go."""
        path = (*([one.attribute] if one.attribute else []), *attributes)
        if one.module:
            self.follow(one.module, path)

    def follow(self, name: str, path: tuple[str, ...]) -> None:
        module = self.find(name)
        if path and (module is not None or self.folder(name)):
            inner = f"{name}.{path[0]}"
            if self.find(inner) is not None or (module is None and self.folder(inner)):
                self.load(inner)
                self.follow(inner, path[1:])
                if module is None or path[0] not in module.bindings:
                    return
        if module is None:
            return
        self.load(name)
        if not path or not (self.name(module, path[0], path[1:]) or path[0] in DUNDERS):
            self.all(module)

    def acts(self, module: Module, part: Part) -> bool:
        """Whether it does more, while it is loaded, than to bind its names."""
        return (
            part.acts
            or (part.discards and not self.only_describes(module, part))
            or not all(self.harmless(module, call) for call in part.calls)
            or any(self.hears(module, base) for base in part.bases)
            or self.for_effect(module, part)
        )

    def for_effect(self, module: Module, part: Part) -> bool:
        """`import x` that nobody reads, where what x does cannot be looked at."""
        return (
            part.imports_module
            and module.read.isdisjoint(part.binds)
            and all(self.find(one.module) is None for one in part.at_load)
        )

    def only_describes(self, module: Module, part: Part) -> bool:
        """Whether it only says what the pipeline is: pipeline.task(…), first >> second."""
        if part.calls:
            return all(self.is_ours(module, call[0]) or call[0] in PURE for call in part.calls)
        return all(self.is_ours(module, use.name) for use in part.uses)

    def is_ours(self, module: Module, name: str, seen: tuple[str, ...] = ()) -> bool:
        """Whether a name is of byoa, or was made by calling what is."""
        if name in module.imports:
            return all(one.module.partition(".")[0] in OURS for one in module.imports[name])
        parts = module.bindings.get(name, []) if name not in seen else []
        return bool(parts) and all(
            part.calls and all(self.is_ours(module, one[0], (*seen, name)) for one in part.calls)
            for part in parts
        )

    def harmless(self, module: Module, call: tuple[str, ...]) -> bool:
        root, last = call[0], call[-1]
        if self.is_ours(module, root):
            return True
        if len(call) > 1 and last in LOOKS:
            return True
        if root in module.imports:
            return all(
                self.find(one.module) is None and (last in MAKERS or made_of_class(one, call))
                for one in module.imports[root]
            )
        if root in module.bindings:
            return len(call) == 1 and all(part.makes_nothing for part in module.bindings[root])
        return len(call) == 1 and root in PURE and hasattr(builtins, root)

    def hears(self, module: Module, base: tuple[str, ...]) -> bool:
        """Whether a base class of the project may keep a list of its subclasses."""
        if base[0] not in module.imports:
            return base[0] in module.bindings and module.registers
        for one in module.imports[base[0]]:
            found = self.find(one.module)
            if found is not None and found.registers:
                return True
        return False


DUNDERS = frozenset({"__name__", "__file__", "__doc__", "__path__", "__version__", "__spec__"})


def made_of_class(one: Import, call: tuple[str, ...]) -> bool:
    """Path(…), sklearn.preprocessing.OneHotEncoder(…): by the custom of names, an object."""
    name = call[-1] if len(call) > 1 else one.attribute
    return name[:1].isupper()


def digests(walk: Walk, own: Mapping[int, Part]) -> dict[str, str]:
    """The parts that were taken as {"": the code's own, "file.py:name": …, "file.py": its acts}."""
    groups: dict[str, list[str]] = {"": [part.digest for part in own.values()]}
    taken = ((module.label, part.at, part) for module, part in walk.taken.values())
    for label, _, part in sorted(taken, key=lambda one: one[:2]):
        if id(part) not in own:
            named = part.binds and id(part) not in walk.acting
            groups.setdefault(f"{label}:{part.label}" if named else label, []).append(part.digest)
    return {key: one[0] if len(one) == 1 else sha(" ".join(one)) for key, one in groups.items()}
