"""What one top-level statement binds, reads, imports and does, by Python's scoping rules."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from byoa.plan.pipeline.syntax import FUNCTIONS, dotted, is_text, is_type_checking

#: Whoever uses one of them may reach anything of the module that he is in.
ANYTHING = frozenset({"eval", "exec", "globals", "getsource", "getsourcelines", "currentframe"})
#: Imports by name: what a constant names is imported whole, else anything may be.
BY_NAME = frozenset(
    {
        *("import_module", "__import__", "iter_modules", "walk_packages", "run_module", "run_path"),
        *("spec_from_file_location", "locate", "exec_module", "load_module", "import_string"),
    }
)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
NAMED = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(ast.ExceptHandler, ast.MatchAs, ast.MatchStar),
)
#: Nodes within which a scope binds nothing; those that may bind; those that never do.
CLOSED = frozenset({*FUNCTIONS, ast.ClassDef, ast.Name, ast.Constant})
BINDERS = frozenset({*NAMED, ast.Name, ast.MatchMapping})
PLAIN = frozenset({ast.Constant, ast.Attribute, ast.Call, ast.Expr, ast.BinOp, ast.Subscript})
#: Statements that act by being there.
ACTS = (ast.Assert, ast.Raise, ast.Delete, ast.With, ast.AsyncWith, ast.Return)
UNKNOWN = ("?",)


@dataclass(frozen=True)
class Import:
    """`import module` (attribute "") or `from module import attribute` ("*" is all of it)."""

    module: str
    attribute: str = ""
    whole: bool = False  #: by import_module: whatever it holds may be used; "" is any module


@dataclass(frozen=True)
class Use:
    """A name that is read, `.attributes` behind it, and what a function's own import makes it."""

    name: str
    attributes: tuple[str, ...] = ()
    local: Import | None = None


#: The names that a function binds, with the imports that bind them.
Scope = dict[str, tuple[Import, ...]]


def target(
    node: ast.Import | ast.ImportFrom, alias: ast.alias, above: tuple[str, ...]
) -> tuple[str, Import]:
    """The name that an import binds, and what it is."""
    if isinstance(node, ast.Import):
        if alias.asname:
            return alias.asname, Import(alias.name)
        return alias.name.partition(".")[0], Import(alias.name.partition(".")[0])
    inside = above[: len(above) - node.level + 1] if node.level else ()
    module = ".".join([*inside, *([node.module] if node.module else [])])
    return alias.asname or alias.name, Import(module, alias.name)


def modules(node: ast.Import | ast.ImportFrom, above: tuple[str, ...]) -> list[Import]:
    """What an import loads; of `import a.b` it is a.b, though it binds a."""
    if isinstance(node, ast.Import):
        return [Import(alias.name) for alias in node.names]
    return [target(node, alias, above)[1] for alias in node.names]


@dataclass
class Reader:
    """Walks one statement. `loading` is true where code runs while the module is loaded."""

    above: tuple[str, ...]
    binds: set[str] = field(default_factory=set)
    uses: set[Use] = field(default_factory=set)
    imports: list[Import] = field(default_factory=list)
    at_load: list[Import] = field(default_factory=list)
    calls: set[tuple[str, ...]] = field(default_factory=set)
    bases: set[tuple[str, ...]] = field(default_factory=set)
    acts: bool = False
    discards: bool = False
    anything: bool = False

    def visit(self, node: ast.AST, scopes: tuple[Scope, ...], loading: bool) -> None:
        if isinstance(node, ast.Name):
            self.name(node, (), scopes)
        elif isinstance(node, ast.Attribute):
            self.attribute(node, scopes, loading)
        elif isinstance(node, ast.Call):
            self.call(node, scopes, loading)
        elif isinstance(node, FUNCTIONS):
            self.function(node, scopes, loading)
        elif isinstance(node, ast.ClassDef):
            self.class_(node, scopes, loading)
        elif isinstance(node, COMPREHENSIONS):
            self.comprehension(node, scopes, loading)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found = modules(node, self.above)
            self.imports += found
            self.at_load += found if loading else []
        else:
            self.other(node, scopes, loading)

    def other(self, node: ast.AST, scopes: tuple[Scope, ...], loading: bool) -> None:
        if is_type_checking(node) and isinstance(node, ast.If):
            self.all(node.orelse, scopes, loading)
            return
        if loading and isinstance(node, ACTS):
            self.acts = True
        if loading and isinstance(node, ast.Expr) and not is_text(node):
            self.discards = True
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            self.use(node.target.id, (), scopes)
        self.all(ast.iter_child_nodes(node), scopes, loading)

    def all(self, nodes: Iterable[ast.AST], scopes: tuple[Scope, ...], loading: bool) -> None:
        for node in nodes:
            self.visit(node, scopes, loading)

    def name(self, node: ast.Name, attributes: tuple[str, ...], scopes: tuple[Scope, ...]) -> None:
        if isinstance(node.ctx, ast.Load) or attributes:
            self.use(node.id, attributes, scopes)

    def use(self, name: str, attributes: tuple[str, ...], scopes: tuple[Scope, ...]) -> None:
        for scope in reversed(scopes):
            if name in scope:
                self.uses |= {Use(name, attributes, local) for local in scope[name]}
                return
        self.uses.add(Use(name, attributes))
        self.anything |= name in ANYTHING

    def attribute(self, node: ast.Attribute, scopes: tuple[Scope, ...], loading: bool) -> None:
        names = dotted(node)
        if not isinstance(node.ctx, ast.Load) and loading:
            self.acts = True  # it changes a thing that is known by another name
        if names:
            self.use(names[0], names[1:], scopes)
            self.anything |= bool(ANYTHING.intersection(names[1:]))
        else:
            self.visit(node.value, scopes, loading)

    def call(self, node: ast.Call, scopes: tuple[Scope, ...], loading: bool) -> None:
        names = dotted(node.func)
        if loading and not isinstance(getattr(node.func, "value", None), ast.Constant):
            self.calls.add(names or UNKNOWN)
        if names and names[-1] in BY_NAME:
            found = by_name(node, self.above)
            self.imports.append(found)
            self.at_load += [found] if loading else []
        values = [*node.args, *node.keywords]
        if names == ("getattr",) and len(node.args) > 1:
            what, which = dotted(node.args[0]), node.args[1]
            if what and isinstance(which, ast.Constant) and isinstance(which.value, str):
                self.use(what[0], (*what[1:], which.value), scopes)
                values = values[1:]
        self.visit(node.func, scopes, loading)
        self.all(values, scopes, loading)

    def function(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        scopes: tuple[Scope, ...],
        loading: bool,
    ) -> None:
        args = node.args
        outer: list[ast.AST] = [*args.defaults, *(one for one in args.kw_defaults if one)]
        body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else [*node.body]
        if not isinstance(node, ast.Lambda):
            outer += [one.annotation for one in arguments(args) if one.annotation]
            outer += [node.returns] if node.returns else []
            outer += node.decorator_list
            if loading:
                self.decorated(node.decorator_list)
        self.all(outer, scopes, loading)
        inner = bound(body, self.above)
        inner |= {one.arg: inner.get(one.arg, ()) for one in arguments(args)}
        inner |= {one.name: () for one in getattr(node, "type_params", ())}
        self.all(body, (*scopes, inner), False)

    def decorated(self, decorators: Iterable[ast.AST]) -> None:
        """What decorates a definition is called with it."""
        for one in decorators:
            self.calls.add(dotted(one.func if isinstance(one, ast.Call) else one) or UNKNOWN)

    def class_(self, node: ast.ClassDef, scopes: tuple[Scope, ...], loading: bool) -> None:
        """Names of a class's body are seen by its own statements alone, so they hide nothing."""
        if loading:
            self.decorated(node.decorator_list)
            self.bases |= {dotted(base) for base in node.bases} - {()}
        self.all([*node.bases, *node.keywords, *node.decorator_list], scopes, loading)
        acts = self.acts  # a class's statements are about the class
        self.all(node.body, scopes, loading)
        self.acts = acts

    def comprehension(self, node: ast.AST, scopes: tuple[Scope, ...], loading: bool) -> None:
        generators: list[ast.comprehension] = getattr(node, "generators", [])
        inner: Scope = {}
        for one in generators:
            inner |= dict.fromkeys(stored(one.target), ())
        self.visit(generators[0].iter, scopes, loading)
        parts = [part for part in ast.iter_child_nodes(node) if part not in generators]
        for index, one in enumerate(generators):
            parts += [one.target, *([one.iter] if index else []), *one.ifs]
        self.all(parts, (*scopes, inner), loading)


def by_name(call: ast.Call, above: tuple[str, ...]) -> Import:
    """import_module("a.b"), f"a.{x}" (any module of a), or anything at all."""
    said = call.args[0] if call.args else None
    first = said.values[0] if isinstance(said, ast.JoinedStr) and said.values else said
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return Import("", whole=True)
    name = first.value
    if name.startswith("."):
        depth = len(name) - len(name.lstrip("."))
        name = ".".join([*above[: len(above) - depth + 1], *name.lstrip(".").split(".")])
    if first is not said:
        return Import(name.rpartition(".")[0], "*", whole=True)
    return Import(name, whole=True)


def arguments(args: ast.arguments) -> list[ast.arg]:
    more = [one for one in (args.vararg, args.kwarg) if one]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *more]


def inside(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes of one scope: functions and classes within are named, not entered."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if type(node) in CLOSED:
            continue
        for name in node._fields:  # ast.iter_child_nodes takes three times as long
            value = getattr(node, name, None)
            if isinstance(value, list):
                waiting += [one for one in value if isinstance(one, ast.AST)]
            elif isinstance(value, ast.AST) and value._fields:
                waiting.append(value)


def bound(body: Iterable[ast.AST], above: tuple[str, ...]) -> Scope:
    """The names that a scope binds. A comprehension's are its own, a walrus's in it are not."""
    found: Scope = {}
    hidden: set[ast.AST] = set()
    free: set[str] = set()
    named = []
    for node in inside(body):
        kind = type(node)
        if kind in PLAIN:
            continue
        if kind in BINDERS:
            named.append(node)
        elif isinstance(node, ast.comprehension):
            hidden.update(ast.walk(node.target))
        elif isinstance(node, ast.Global | ast.Nonlocal):
            free.update(node.names)  # which gives them back to the scopes around
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                name, what = target(node, alias, above)
                found[name] = (*found.get(name, ()), what)
    for node in named:
        for name in bound_by(node):
            if node not in hidden:
                found.setdefault(name, ())
    return {name: value for name, value in found.items() if name not in free} if free else found


def stored(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        yield from bound_by(inner)


def bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, NAMED) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
