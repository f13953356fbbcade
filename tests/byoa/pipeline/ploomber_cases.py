"""Small projects, a feature each, that real Ploomber 0.23 was asked about (ask_ploomber.py)."""

# ruff: noqa: E501 - files as they are

from __future__ import annotations

TASKS = """
def get(product): pass
def clean(product, upstream):
    upstream["get"]
def fit(product, upstream, depth=1, rate=0.1, name=None):
    upstream["clean"]
def join(product, upstream):
    upstream["fit-*"]
def make(product, n=None, flag=None, text=None, many=None, resources_=None):
    pass
def values():
    return [1, 2]
def one(start):
    return start + 1
def client():
    pass
"""
PERCENT = """\
# %%
import math

# %% tags=["parameters"]
upstream = UPSTREAM
product = None
n = 1

# %%
print(n)
"""
LIGHT = """\
import math

# + tags=["parameters"]
upstream = UPSTREAM
product = None
# -

upstream = ["other"]
print(upstream)
"""
NOTEBOOK = """\
{"cells": [{"cell_type": "code", "source": ["upstream = ['get']\\n", "product = None"],
"metadata": {"tags": ["parameters"]}, "outputs": [], "execution_count": null}],
"metadata": {"kernelspec": {"name": "python3", "language": "python", "display_name": "P"}},
"nbformat": 4, "nbformat_minor": 4}
"""
HEAD = "tasks:\n  - source: tasks.get\n    product: get.csv\n"
CLEAN = HEAD + "  - source: tasks.clean\n    product: clean.csv\n"

#: Each is the files of a project; tasks.py is in all of them.
CASES: dict[str, dict[str, str]] = {
    "functions": {"pipeline.yaml": CLEAN},
    "bare list": {"pipeline.yaml": "- source: tasks.get\n  product: out/get.csv\n"},
    "products by key": {
        "pipeline.yaml": "tasks:\n  - source: tasks.get\n    product: {a: x/a.csv, b: b.csv}\n"
    },
    "texts are literals": {
        "pipeline.yaml": "tasks:\n  - source: tasks.make\n    product: x\n    params:\n"
        "      n: '1'\n      flag: 'true'\n      text: 1e3\n      many: '[1, 2]'\n"
    },
    "nothing and its words": {
        "pipeline.yaml": "tasks:\n  - source: tasks.make\n    product: x\n    params:\n"
        "      n: none\n      flag: 'Null'\n      text: ' 3'\n      many: {a: ['none', 'x']}\n"
    },
    "percent": {
        "s.py": PERCENT.replace("UPSTREAM", "['get']"),
        "pipeline.yaml": HEAD + "  - source: s.py\n    product: {nb: s.html, data: s.csv}\n",
    },
    "percent with a dict": {
        "s.py": PERCENT.replace("UPSTREAM", "{'get': None}"),
        "pipeline.yaml": HEAD + "  - source: s.py\n    product: s.ipynb\n",
    },
    "light": {
        "s.py": LIGHT.replace("UPSTREAM", "['get']"),
        "pipeline.yaml": HEAD + "  - source: s.py\n    product: s.ipynb\n",
    },
    "no upstream": {
        "s.py": PERCENT.replace("UPSTREAM", "None"),
        "pipeline.yaml": HEAD + "  - source: s.py\n    product: s.ipynb\n    name: script\n",
    },
    "notebook": {
        "s.ipynb": NOTEBOOK,
        "pipeline.yaml": HEAD + "  - source: s.ipynb\n    product: s.html\n",
    },
    "shell": {
        "s.sh": "cp {{upstream['get']}} {{product}}\ncat {{upstream.get}}\n",
        "pipeline.yaml": HEAD + "  - source: s.sh\n    product: s.csv\n",
    },
    "sql": {
        "a.sql": "{# upstream['no'] #}CREATE TABLE {{product}} AS SELECT 1",
        "b.sql": "SELECT * FROM {{upstream['a']}} JOIN {{upstream.a}}",
        "pipeline.yaml": "clients: {SQLScript: tasks.client, SQLDump: tasks.client}\n"
        "meta: {product_default_class: {SQLScript: SQLiteRelation}}\n"
        "tasks:\n  - source: a.sql\n    product: [t, table]\n"
        "  - source: b.sql\n    product: out/b.csv\n",
    },
    "schema": {
        "a.sql": "CREATE VIEW {{product}} AS SELECT 1",
        "pipeline.yaml": "tasks:\n  - source: a.sql\n    product: [s, t, view]\n"
        "    client: tasks.client\n",
    },
    "env": {
        "env.yaml": "root: out\nsample: true\nn: '{{sample}}'\npath: {data: '{{root}}/x/'}\n",
        "pipeline.yaml": "tasks:\n  - source: tasks.make\n    product: '{{root}}/{{sample}}/a.csv'\n"
        "    params: {n: '{{n}}', text: 'is {{sample}}', many: ['{{path.data}}']}\n",
    },
    "env for a name": {
        "env.yaml": "w: usual\n",
        "env.serve.yaml": "w: serve\n",
        "pipeline.serve.yaml": "- source: tasks.make\n  product: '{{w}}.csv'\n",
    },
    "env for a name that has none": {
        "env.yaml": "w: usual\n",
        "pipeline.serve.yaml": "- source: tasks.make\n  product: '{{w}}.csv'\n",
    },
    "jinja in env": {
        "env.yaml": "w: usual\n",
        "pipeline.yaml": "- source: tasks.make\n  product: '{{w | upper}}-{{w[0]}}.csv'\n",
    },
    "import_tasks_from": {
        "more/tasks.yaml": "- source: s.py\n  product: s.ipynb\n",
        "more/s.py": PERCENT.replace("UPSTREAM", "['get']"),
        "pipeline.yaml": "meta: {import_tasks_from: more/tasks.yaml}\n" + HEAD,
    },
    "source_loader": {
        "sql/a.sql": "CREATE TABLE {{product}} AS SELECT 1",
        "pipeline.yaml": "meta: {source_loader: {path: sql}}\ntasks:\n  - source: a.sql\n"
        "    product: [t, table]\n    client: tasks.client\n",
    },
    "upstream given": {
        "pipeline.yaml": "meta: {extract_upstream: false}\n"
        "tasks:\n  - source: tasks.get\n    product: get.csv\n"
        "  - source: tasks.make\n    product: a\n    upstream: get\n"
        "  - source: tasks.make\n    name: b\n    product: b\n    upstream: [get, 'm*']\n"
    },
    "extract_product": {
        "s.py": '# %% tags=["parameters"]\nupstream = None\nproduct = {"nb": "s.ipynb", "d": "d"}\n',
        "pipeline.yaml": "meta: {extract_product: true}\ntasks:\n  - source: s.py\n",
    },
    "product_relative_to_source": {
        "in/s.py": PERCENT.replace("UPSTREAM", "None"),
        "pipeline.yaml": "meta: {product_relative_to_source: true}\n"
        "tasks:\n  - source: in/s.py\n    product: s.ipynb\n",
    },
    "outside and dots": {
        "pipeline.yaml": "tasks:\n  - source: tasks.get\n    product: ./a/../b//c.csv\n"
        "  - source: tasks.make\n    product: ../outside.csv\n"
    },
    "values of functions": {
        "pipeline.yaml": "tasks:\n  - source: tasks.make\n    product: x\n    params:\n"
        "      many: tasks::values\n      n: {dotted_path: 'tasks::one', start: 4}\n"
        "      text: tasks.values\n"
    },
    "resources_": {
        "r/file.txt": "x",
        "pipeline.yaml": "tasks:\n  - source: tasks.make\n    product: x\n"
        "    params: {n: 1, resources_: {f: r/file.txt}}\n",
    },
    "grid": {
        "pipeline.yaml": CLEAN + "  - source: tasks.fit\n    name: fit-[[depth]]-[[rate]]\n"
        "    product: 'm-[[depth]]-[[rate]].pkl'\n    grid: {depth: [1, 2], rate: [0.1, 1e-5]}\n"
    },
    "grid of lists, values missing": {
        "pipeline.yaml": CLEAN + "  - source: tasks.fit\n    name: fit-[[depth]][[rate]]\n"
        "    product: {m: 'o/m-[[depth]][[rate]].tar.gz'}\n"
        "    grid:\n      - {depth: [1, 2]}\n      - {depth: 3, rate: tasks::values}\n"
    },
    "grid by number": {
        "pipeline.yaml": CLEAN + "  - source: tasks.fit\n    name: fit-\n"
        "    product: m.pkl\n    grid: {depth: [1, 2]}\n    params: {rate: 5}\n"
    },
    "grid and wildcard": {
        "pipeline.yaml": CLEAN + "  - source: tasks.fit\n    name: fit-\n"
        "    product: m.pkl\n    grid: {depth: [1, 2]}\n"
        "  - source: tasks.join\n    product: join.txt\n"
    },
    "a table in a grid": {
        "a.sql": "CREATE TABLE {{product}} AS SELECT 1",
        "pipeline.yaml": "tasks:\n  - source: a.sql\n    name: a-[[n]]\n"
        "    product: [s, 't-[[n]]', table]\n    client: tasks.client\n    grid: {n: [1, 2]}\n",
    },
    "R": {
        "s.R": '# + tags=["parameters"]\nupstream = list("get")\nproduct = NULL\n',
        "t.Rmd": '# T\n\n```{r, tags=c("parameters")}\nupstream = NULL\nproduct = NULL\n```\n',
        "pipeline.yaml": HEAD + "  - source: s.R\n    product: s.html\n"
        "  - source: t.Rmd\n    product: t.html\n",
    },
    "numbers as names": {
        "pipeline.yaml": "tasks:\n  - source: tasks.get\n    name: '01'\n    product: one.csv\n"
        "  - source: tasks.make\n    name: a b.c\n    product: x y.csv\n",
    },
    "a loader's folders": {
        "sql/deep/a.sql": "{% import 'm.sql' as m %}CREATE TABLE {{product}} AS SELECT 1",
        "sql/m.sql": "{% macro one() %}1{% endmacro %}",
        "pipeline.yaml": "meta: {source_loader: {path: sql}}\ntasks:\n  - source: deep/a.sql\n"
        "    product: [t, table]\n    client: tasks.client\n",
    },
    "imported with placeholders": {
        "env.yaml": "w: out\nn: 3\n",
        "more.yaml": "- source: tasks.make\n  product: '{{w}}/a.csv'\n  params: {n: '{{n}}'}\n",
        "pipeline.yaml": "meta: {import_tasks_from: more.yaml}\n" + HEAD,
    },
    "env of every kind": {
        "env.yaml": "a: [1, '2', {b: 'none'}]\nb: {c: {d: '{{user}}-x'}}\nc: 1e3\nd: 0x10\ne: 010\n",
        "pipeline.yaml": "- source: tasks.make\n  product: x\n  params: {many: '{{a}}', n: '{{c}}',"
        " text: '{{d}}', flag: '{{e}}'}\n",
    },
    "a grid of lists and mappings": {
        "pipeline.yaml": CLEAN + "  - source: tasks.fit\n    name: fit-[[name]]\n"
        "    product: 'm-[[name]].pkl'\n    grid:\n      name: [a, b]\n      depth: [[1, 2]]\n"
        "      rate: '5'\n"
    },
    "a script run as a script": {
        "s.py": PERCENT.replace("UPSTREAM", "['get']"),
        "pipeline.yaml": HEAD + "  - source: s.py\n    class: ScriptRunner\n    product: {a: a}\n",
    },
    "products of SQL that the source says": {
        "a.sql": "{% set product = SQLRelation(['s', 't', 'view']) %}CREATE VIEW {{product}} AS SELECT 1",
        "b.sql": "{% set product = SQLRelation(['t2', 'table']) %}\n"
        "CREATE TABLE {{product}} AS SELECT * FROM {{upstream['a']}}",
        "pipeline.yaml": "meta: {extract_product: true}\nclients: {SQLScript: tasks.client}\n"
        "tasks:\n  - source: a.sql\n  - source: b.sql\n",
    },
    "built in": {
        "pipeline.yaml": "- source: tasks.make\n  product: '{{here}}/a.csv'\n"
        "  params: {n: '{{root}}', text: '{{cwd}}'}\n"
    },
}  # fmt: skip
