"""Which definitions count for a function: the modules are texts, nothing is imported."""

# ruff: noqa: E501 - the cases are laid out as tables

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline.code import Module, module_of
from byoa.plan.pipeline.syntax import meaning
from byoa.plan.pipeline.uses import Walk, digests


def used(modules: dict[str, str], name: str = "t.f") -> dict[str, str]:
    found = followed(modules, name)
    assert "" in found, f"there is no {name}"
    return found


def followed(modules: dict[str, str], name: str) -> dict[str, str]:
    """The labels and digests of what a function uses; a package is a name that ends in a dot."""
    parsed: dict[str, Module] = {}
    for key, text in modules.items():
        module, package = key.rstrip("."), key.endswith(".")
        path = module.replace(".", "/") + ("/__init__.py" if package else ".py")
        parsed[module] = module_of(text, module, path, package=package)

    def below(prefix: str) -> list[str]:
        return [one for one in parsed if not prefix or one.startswith(f"{prefix}.")]

    walk = Walk(parsed.get, below, lambda name: bool(name not in parsed and below(name)), {})
    home, _, function = name.rpartition(".")
    walk.load(home)
    if not walk.name(parsed[home], function):
        return {}
    walk.run()
    return digests(walk, {id(part): part for part in parsed[home].bindings[function]})


H = "X = 1\ndef g(): return X\ndef other(): return 2\nY = 3\n"
#: What the code is, and the labels of what it uses beside its own.
CASES: dict[str, tuple[dict[str, str], set[str]]] = {
    "nothing": ({"t": "def f(): pass\ndef g(): pass"}, set()),
    "a neighbour": ({"t": "def f(): return g()\ndef g(): return 1"}, {"t.py:g"}),
    "a neighbour's neighbour": (
        {"t": "def f(): return g()\ndef g(): return K\nK = 1\nL = 2"},
        {"t.py:g", "t.py:K"},
    ),
    "each other": ({"t": "def f(): g()\ndef g(): f()"}, {"t.py:g"}),
    "a module's attribute": (
        {"t": "import h\ndef f(): return h.g()", "h": H},
        {"t.py:h", "h.py:g", "h.py:X"},
    ),
    "a name of a module": (
        {"t": "from h import g as k\ndef f(): return k()", "h": H},
        {"t.py:k", "h.py:g", "h.py:X"},
    ),
    "an import inside": (
        {"t": "def f():\n    from h import g\n    return g()", "h": H},
        {"h.py:g", "h.py:X"},
    ),
    "an import inside hides the module's": (
        {"t": "from h import Y as g\ndef f():\n    from h import X as g\n    return g", "h": H},
        {"h.py:X"},
    ),
    "a star": ({"t": "from h import *\ndef f(): return g()", "h": H}, {"h.py:g", "h.py:X"}),
    "a star of a star": (
        {"t": "from k import *\ndef f(): return Y", "k": "from h import *", "h": H},
        {"h.py:Y"},
    ),
    "a package's module": (
        {"t": "import p.h\ndef f(): return p.h.Y", "p.": "", "p.h": H},
        {"t.py:p", "p/h.py:Y"},
    ),
    "a package's module by from": (
        {"t": "from p import h\ndef f(): return h.Y", "p.": "", "p.h": H},
        {"t.py:h", "p/h.py:Y"},
    ),
    "what a package hands on": (
        {"t": "import p\ndef f(): return p.g()", "p.": "from .h import g", "p.h": H},
        {"t.py:p", "p/__init__.py:g", "p/h.py:g", "p/h.py:X"},
    ),
    "a package without an __init__": (
        {"t": "import p.q.h\nfrom p import q\ndef f(): return p.q.h.Y, q.h.X", "p.q.h": H},
        {"t.py:p", "t.py:q", "p/q/h.py:Y", "p/q/h.py:X"},
    ),
    "relative imports": (
        {"p.": "", "p.t": "from . import h\nfrom .h import Y\ndef f(): return h.g() + Y", "p.h": H},
        {"p/t.py:h", "p/t.py:Y", "p/h.py:g", "p/h.py:X", "p/h.py:Y"},
    ),
    "a parameter called like a helper": ({"t": "def f(g): return g\ndef g(): pass"}, set()),
    "a local called like a helper": (
        {"t": "def f():\n    g = 1\n    return g\ndef g(): pass"},
        set(),
    ),
    "a loop variable called like a helper": (
        {"t": "def f(x): return [g for g in x]\ndef g(): pass"},
        set(),
    ),
    "a comprehension's variable is its own": (
        {"t": "def f(x): return [g for g in x], g()\ndef g(): pass"},
        {"t.py:g"},
    ),
    "a walrus in a comprehension is the function's": (
        {"t": "def f(x): return [(g := y) for y in x], g\ndef g(): pass"},
        set(),
    ),
    "an inner function's": (
        {"t": "def f():\n    def k(): return g()\n    return k\ndef g(): pass"},
        {"t.py:g"},
    ),
    "an outer function's name": (
        {"t": "def f():\n    g = 1\n    def k(): return g\n    return k\ndef g(): pass"},
        set(),
    ),
    "global": ({"t": "def f():\n    global g\n    g = 1\n    return g\ng = 0"}, {"t.py:g"}),
    "a default": ({"t": "K = 1\ndef f(x=K): pass"}, {"t.py:K"}),
    "an annotation": ({"t": "K = int\ndef f(x: K): pass"}, {"t.py:K"}),
    "a decorator": ({"t": "def f2(g): return g\n@f2\ndef f(): pass"}, {"t.py:f2"}),
    "a class and its base": (
        {"t": "class A: x = K\nclass B(A): pass\ndef f(): return B()\nK = 1"},
        {"t.py:A", "t.py:B", "t.py:K"},
    ),
    "a class's own names hide nothing in its methods": (
        {"t": "class A:\n    g = 1\n    def k(self): return g()\ndef g(): pass\ndef f(): return A()"},
        {"t.py:A", "t.py:g"},
    ),
    "either of two": (
        {"t": "try:\n    from h import g\nexcept ImportError:\n    from k import g\ndef f(): g()",
         "h": H, "k": "def g(): pass"},
        {"t.py:g", "h.py:g", "h.py:X", "k.py:g"},
    ),
    "one name bound twice": ({"t": "K = 1\nK += 1\ndef f(): return K"}, {"t.py:K"}),
    "unpacked": ({"t": "A, B = 1, 2\nC = 3\ndef f(): return A"}, {"t.py:A, B"}),
    "getattr with a constant": (
        {"t": "import h\ndef f(): return getattr(h, 'Y')", "h": H},
        {"t.py:h", "h.py:Y"},
    ),
    "installed modules are nobody's": ({"t": "import os\ndef f(): return os.sep"}, {"t.py:os"}),
    "an import for types only": (
        {"t": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from h import g\ndef f(): pass",
         "h": "print(1)"},
        set(),
    ),
    "a main block": ({"t": "def f(): pass\nif __name__ == '__main__':\n    print(1)"}, set()),
    # What cannot be followed by name: all of the module
    "a module handed on": (
        {"t": "import h\ndef f(x): return x(h)", "h": H},
        {"t.py:h", "h.py:X", "h.py:g", "h.py:other", "h.py:Y"},
    ),
    "getattr with anything": (
        {"t": "import h\ndef f(x): return getattr(h, x)", "h": H},
        {"t.py:h", "h.py:X", "h.py:g", "h.py:other", "h.py:Y"},
    ),
    "import_module of a name": (
        {"t": "from importlib import import_module\ndef f(): return import_module('h')", "h": H},
        {"t.py:import_module", "h.py:X", "h.py:g", "h.py:other", "h.py:Y"},
    ),
    "import_module below a package": (
        {"t": "import importlib\ndef f(x): return importlib.import_module(f'p.{x}')",
         "p.": "", "p.a": "A = 1", "p.b": "B = 1", "q": "Q = 1"},
        {"t.py:importlib", "p/a.py:A", "p/b.py:B"},
    ),
    "import_module of anything": (
        {"t": "import importlib\ndef f(x): return importlib.import_module(x)", "q": "Q = 1"},
        {"t.py:importlib", "q.py:Q"},
    ),
    "globals": ({"t": "def f(x): return globals()[x]\nK = 1\nL = 2"}, {"t.py:K", "t.py:L"}),
    "eval": ({"t": "def f(x): return eval(x)\nK = 1"}, {"t.py:K"}),
    "a module's own __getattr__": (
        {"t": "import h\ndef f(): return h.anything", "h": "def __getattr__(x): return 1\nK = 1"},
        {"t.py:h", "h.py:__getattr__", "h.py:K"},
    ),
    "a name that is set from elsewhere": (
        {"t": "import h\ndef f(): return h.anything", "h": "K = 1"},
        {"t.py:h", "h.py:K"},
    ),
    # What happens when a module is loaded
    "a call": ({"t": "import h\ndef f(): return h.Y", "h": "Y = 1\nprint(1)"},
               {"t.py:h", "h.py", "h.py:Y"}),
    "a call of a module that is only imported": (
        {"t": "import h\nK = h\ndef f(): return 1", "h": "import k", "k": "print(1)"}, {"k.py"},
    ),
    "a registry": (
        {"t": "from h import TABLE, add\n@add\ndef one(): return K\nK = 1\ndef f(): return TABLE",
         "h": "TABLE = []\ndef add(x): TABLE.append(x); return x"},
        {"t.py", "t.py:K", "t.py:TABLE", "t.py:add", "h.py:TABLE", "h.py:add"},
    ),
    "harmless decorators": (
        {"t": "import functools\n@functools.lru_cache(None)\ndef g(): pass\ndef f(): pass"}, set(),
    ),
    "harmless calls": (
        {"t": "import logging, re\nfrom pathlib import Path\nL = logging.getLogger(__name__)\n"
              "R = re.compile('x')\nP = Path('x') / 'y'\nS = set([1])\nT = 'a b'.split()\n"
              "def f(): pass"}, set(),
    ),
    "an assignment that calls one's own": (
        {"t": "def g(): return 1\nK = g()\ndef f(): pass"}, {"t.py", "t.py:g"},
    ),
    "a pipeline that is described beside": (
        {"t": "from byoa.pipeline import Pipeline\np = Pipeline()\na = p.task(f, 'x')\n"
              "for n in range(3):\n    p.task(f, str(n), upstream=a)\na >> p\ndef f(): pass"}, set(),
    ),
    "an expression of somebody else's": (
        {"t": "from x import a, b\na >> b\ndef f(): pass"}, {"t.py", "t.py:a", "t.py:b"},
    ),
    "a call that takes no result": (
        {"t": "import numpy as np\nnp.random.seed(1)\ndef f(): pass"}, {"t.py", "t.py:np"},
    ),
    "a call in a class": (
        {"t": "class A:\n    print(1)\ndef f(): pass"}, {"t.py"},
    ),
    "an item set": ({"t": "D = {}\nD['x'] = 1\ndef f(): pass"}, {"t.py", "t.py:D"}),
    "another's attribute set": (
        {"t": "import h\nh.X = 2\ndef f(): pass", "h": H}, {"t.py", "t.py:h", "h.py:X"},
    ),
    "an import for its effect": ({"t": "import matplotlib_style\ndef f(): pass"}, {"t.py"}),
    "subclasses that register": (
        {"t": "from h import Base\nclass A(Base): x = K\nK = 1\ndef f(): return Base.all",
         "h": "class Base:\n    all = []\n    def __init_subclass__(cls): Base.all.append(cls)"},
        {"t.py", "t.py:K", "t.py:Base", "h.py:Base"},
    ),
    "a package's effect": (
        {"t": "import p.h\ndef f(): return p.h.Y", "p.": "print(1)", "p.h": H},
        {"t.py:p", "p/__init__.py", "p/h.py:Y"},
    ),
    "what cannot be read": ({"t": "import h\ndef f(): return h.x", "h": "def ("}, {"t.py:h", "h.py"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_counts(name):
    modules, expected = CASES[name]
    home = next(key for key in modules if key.split(".")[-1] == "t")
    assert set(used(modules, f"{home}.f")) - {""} == expected


BEFORE = '''
"""Module."""
import h


def f(x, y=[1, 2]):
    """Does."""
    return h.g(x) + y[0]
'''
SAME = {
    "comments": "import h\ndef f(x, y=[1, 2]):  # so\n    # more\n    return h.g(x) + y[0]\n",
    "layout": "import h\ndef f( x,y = [ 1,\n  2, ], ) :\n    return (h.g( x )\n      + (y[0]))\n",
    "quotes and numbers": "import h\ndef f(x, y=[0x1, 2]):\n    return h.g(x) + y[0]\n",
    "type comments": "import h\ndef f(x, y=[1, 2]):  # type: ignore\n    return h.g(x) + y[0]\n",
}
OTHER = {
    "an operator": "import h\ndef f(x, y=[1, 2]): return h.g(x) - y[0]\n",
    "a default": "import h\ndef f(x, y=[1, 3]): return h.g(x) + y[0]\n",
    "a constant's type": "import h\ndef f(x, y=[1, 2.0]): return h.g(x) + y[0]\n",
    "a name": "import h\ndef f(x, y=[1, 2]): return h.k(x) + y[0]\n",
    "async": "import h\nasync def f(x, y=[1, 2]): return h.g(x) + y[0]\n",
    "a statement more": "import h\ndef f(x, y=[1, 2]):\n    print()\n    return h.g(x) + y[0]\n",
}


def test_comments_and_layout_do_not_count():
    assert {name: used({"t": text}) for name, text in SAME.items()} == dict.fromkeys(
        SAME, used({"t": BEFORE})
    )


@pytest.mark.parametrize("name", OTHER)
def test_what_runs_counts(name):
    assert used({"t": OTHER[name]})[""] != used({"t": BEFORE})[""]


def test_a_docstring_counts_where_it_is_read():
    text = "def f():\n    '''%s'''\n    return f.__doc__\n"
    assert used({"t": text % "a"}) != used({"t": text % "b"})


def test_the_meaning_is_the_same_in_every_python():
    """Records travel: what is made in a container by another Python is compared here."""
    text = "@a.b\ndef f(x: int = 1, *y, **z) -> None:\n    return f'{x!r:>{y}}' + x[1:2, ...]\n"
    assert meaning(ast.parse(text).body) == (
        "FunctionDef(name='f'args=arguments(args=arg(arg='x'annotation=Name(int)),"
        "vararg=arg(arg='y')kwarg=arg(arg='z')defaults=Constant(1),)body=Return(value=BinOp("
        "left=JoinedStr(values=FormattedValue(value=Name(x)conversion=114format_spec=JoinedStr("
        "values=Constant('>'),FormattedValue(value=Name(y)conversion=-1),)),)op=Add()right="
        "Subscript(value=Name(x)slice=Tuple(elts=Slice(lower=Constant(1)upper=Constant(2)),"
        "Constant(Ellipsis),)))),decorator_list=Attribute(value=Name(a)attr='b'),"
        "returns=Constant(None)),"
    )


SNIPPETS = st.sampled_from(
    [
        *("def f(): return g()", "def g(): return K", "K = 1", "import h", "from h import *"),
        *(
            "from . import x",
            "class A(B): pass",
            "@d\ndef k(): pass",
            "for i in K: pass",
            "x[0] = 1",
        ),
        *(
            "if K:\n    import h as g",
            "lambda: f()",
            "try:\n    g\nexcept E as e:\n    pass",
            "del K",
        ),
        *("async def f():\n    async with g() as x: yield x", "match K:\n    case [a, *b]: pass"),
        *("def (", "\0", "K: int", "(yield)", "global K", "print(f'{g()}')", "import f.g.h as g"),
    ]
)


@given(st.lists(SNIPPETS, max_size=6), st.lists(SNIPPETS, max_size=4))
def test_any_code_is_followed_to_its_end(task, helper):
    text = "\n".join(["def f(): return g()", *task])
    readable = "def (" not in text and "\0" not in text
    assert ("" in followed({"t": text, "h": "\n".join(helper)}, "t.f")) == readable


@given(st.text())
def test_any_text_is_a_module(text):
    assert module_of(text, "t", "t.py").name == "t"


def test_code_nested_too_deep_is_a_text():
    module = module_of("x = " + "(" * 3000 + ")" * 3000, "t", "t.py")
    assert module.parts[0].anything
    assert module_of("x = 1" + " + 1" * 20_000, "t", "t.py").parts[0].digest
