"""pipeline.yaml read from disk: what it means, and what is said when it cannot be."""

# ruff: noqa: E501 - a line each

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from byoa.pipeline.load import Around, load
from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.pipeline.model import Dotted, Limits
from tests.byoa.pipeline.loading import loaded, products, refused, written

HEAD = """\
tasks:
  - source: tasks.get
    product: get.csv
  - source: tasks.clean
    product: clean.csv
"""
ONE = "tasks:\n  - source: tasks.get\n    product: get.csv\n"


def test_a_grid_names_its_points_by_their_values(tmp_path: Path):
    grid = HEAD + "  - source: tasks.fit\n    name: fit\n    product: m.pkl\n    grid: {}\n"
    first = loaded(tmp_path, grid.replace("{}", "{depth: [1, 3], rate: [0.1]}"))
    second = loaded(tmp_path, grid.replace("{}", "{depth: [1, 2, 3], rate: [0.1]}"))
    assert list(first.tasks) == ["get", "clean", "fit-1-0.1", "fit-3-0.1"]
    assert products(second)["fit-2-0.1"] == "m-2-0.1.pkl"
    assert {name: second.tasks[name] for name in first.tasks} == dict(first.tasks)
    assert {task.family for task in first.tasks.values()} == {"", "fit"}


def test_positions_still_find_their_points(tmp_path: Path):
    tasks = "def best(product, upstream):\n    upstream['fit-1']\n"
    spec = (
        HEAD + "  - source: tasks.fit\n    name: fit-\n    product: m\n    grid: {depth: [7, 8]}\n"
        "  - source: more.best\n    product: b\n"
    )
    pipeline = loaded(tmp_path, {"pipeline.yaml": spec, "more.py": tasks})
    assert pipeline.tasks["best"].upstream == {"fit-1": ("fit-8",)}


@pytest.mark.parametrize(
    ("product", "grid", "made"),
    [
        # a template that tells the points apart is left as it is
        ("m-[[depth]].pkl", "{depth: [1, 2]}", ["m-1.pkl", "m-2.pkl"]),
        # one that does not gets the values that it leaves out, of every point
        ("m-[[depth]].pkl", "{depth: [1], rate: [1, 2]}", ["m-1-1.pkl", "m-1-2.pkl"]),
        ("out/m", "{depth: [1, 2]}", ["out/m-1", "out/m-2"]),
        ("m.tar.gz", "{depth: [1, 2], rate: 5}", ["m-1.tar.gz", "m-2.tar.gz"]),
        ("m", "{depth: [1], rate: 5}", ["m-1"]),
        ("m", "{depth: 1}", ["m-1"]),
        # odd values are a slug and a hash; what a file can be called is left
        ("m-[[depth]]", "{depth: ['a/b', 'a b', x.y=z]}", 3),
        ("m-[[depth]]", "{depth: [[1, 2], [1, 3]]}", 2),
        ("m-[[depth.n]]", "{depth: [{n: 1}, {n: 2}]}", ["m-1", "m-2"]),
        ("m-[[depth | upper]]", "{depth: [a, b]}", ["m-A", "m-B"]),
        ("m-[[nothing]]-[[depth]]", "{depth: [a]}", ["m--a"]),
    ],
)
def test_products_of_a_grid_differ(tmp_path: Path, product: str, grid: str, made: list[str] | int):
    spec = f"  - source: tasks.fit\n    name: fit\n    product: '{product}'\n    grid: {grid}\n"
    functions = "def clean(product): pass\ndef fit(product, depth, rate=1): pass\n"
    files = {"tasks.py": functions, "pipeline.yaml": "tasks:\n" + spec}
    found = list(products(loaded(tmp_path, files)).values())
    if isinstance(made, int):
        assert len(set(found)) == made
        assert all(path.count("/") == 0 and " " not in path for path in found)
    else:
        assert found == made


def test_for_each_follows_a_grid_point_by_point(tmp_path: Path):
    tasks = """
def fit(product, depth): pass
def score(product, upstream, depth, cut): upstream["fit"]
def draw(product, upstream, cut): upstream["score-*"]; upstream["fit-*"]
def all(product, upstream): upstream["score*"]
"""
    spec = """
tasks:
  - {source: t.draw, name: draw, product: d.png, for_each: score}
  - {source: t.fit, name: 'fit-[[depth]]', product: 'm-[[depth]]', grid: {depth: [1, 2]}}
  - source: t.score
    name: score
    product: s.json
    for_each: fit
    grid: {cut: [5, 6]}
    params: {depth: '[[depth]]'}
  - {source: t.all, product: all.txt}
"""
    pipeline = loaded(tmp_path, {"t.py": tasks, "pipeline.yaml": spec})
    scores = ["score-1-5", "score-1-6", "score-2-5", "score-2-6"]
    assert [name for name, task in pipeline.tasks.items() if task.family == "score"] == scores
    score = pipeline.tasks["score-2-6"]
    assert (score.upstream, score.params) == ({"fit": ("fit-2",)}, {"depth": 2, "cut": 6})
    draw = pipeline.tasks["draw-2-6"]
    assert draw.params == {"cut": 6}  # its code asks for it
    assert draw.upstream == {"score-*": ("score-2-6",), "fit-*": ("fit-2",)}
    assert (draw.products[""].path, draw.point) == ("d-2-6.png", {"depth": 2, "cut": 6})
    assert set(pipeline.tasks["all"].needs) == set(scores)


def test_for_each_waits_for_its_point_unasked(tmp_path: Path):
    tasks = "def fit(product, depth): pass\ndef look(product, upstream): pass\n"
    spec = """
- {source: t.fit, name: fit, product: m, grid: {depth: [1, 2]}}
- {source: t.look, name: look, product: l, for_each: fit}
"""
    pipeline = loaded(tmp_path, {"t.py": tasks, "pipeline.yaml": spec})
    assert pipeline.tasks["look-2"].upstream == {"fit": ("fit-2",)}


def test_limits_hooks_clients_and_serializers(tmp_path: Path):
    spec = """
clients: {File: c.files, PythonCallable: {dotted_path: c.files, x: 1}, SQLScript: null}
serializer: s.write
unserializer: s.read
executor: {dotted_path: ploomber.executors.Parallel, processes: 3}
on_finish: h.done
tasks:
  - source: t.get
    product: get.csv
    retries: 2
    retry_on: timeout
    timeout: 1.5m
    memory: 2GB
    cpus: 0.5
    gpus: 1
    staging: false
    on_failure: {dotted_path: h.failed, who: me}
    serializer: null
"""
    files = {
        "t.py": "def get(product): pass",
        "c.py": "class files: pass",
        "s.py": "read = write = 3",
        "h.py": "if True:\n    from x import done\nfor failed in []: failed = 1\n",
    }
    pipeline = loaded(tmp_path, {**files, "pipeline.yaml": spec})
    task = pipeline.tasks["get"]
    assert task.limits == Limits(90.0, 2048, 0.5, 1, 3, ("timeout",))
    assert (task.serializer, task.unserializer) == (None, Dotted("s.read"))
    assert task.hooks == {"on_failure": Dotted("h.failed", {"who": "me"})}
    assert task.client == Dotted("c.files", {"x": 1})
    assert task.product_client == task.products[""].client == Dotted("c.files")
    assert task.options == {"staging": False}
    assert pipeline.executor == Dotted("parallel", {"processes": 3})
    assert pipeline.hooks == {"on_finish": Dotted("h.done")}


def test_overrides_reach_what_is_built_from_them(tmp_path: Path):
    env = "root: out\ndata: '{{root}}/data'\nm: {a: {b: 1}}\n"
    spec = "- source: tasks.get\n  product: '{{data}}/{{m.a.b}}.csv'\n"
    files = {"env.yaml": env, "pipeline.yaml": spec}
    said = {"root": "other", "m--a--b": "2"}
    assert products(loaded(tmp_path, files, overrides=said)) == {"get": "other/data/2.csv"}
    assert refused(tmp_path, files, overrides={"rot": "x"}) == [
        "pipeline.yaml: --env--rot: env.yaml has no 'rot'. Did you mean 'root'?"
    ]


def test_env_imports_another_and_notes_what_nobody_uses(tmp_path: Path):
    files = {
        "base.yaml": "a: {x: 1, y: 2}\nb: base\n",
        "env.yaml": "meta: {import_from: base.yaml}\na: {y: 3}\nc: unused\n",
        "pipeline.yaml": "- source: tasks.get\n  product: '{{a.x}}{{a.y}}{{b}}{{env.WHO}}'\n",
    }
    pipeline = loaded(tmp_path, files, environ={"WHO": "me"})
    assert products(pipeline) == {"get": "13baseme"}
    assert pipeline.notes == ("env.yaml: not used: c.",)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("a.z", "{{a.z}} has no value. a has a.x, a.y."),
        ("b.z", "{{b.z}} has no value."),
        ("env.NOBODY", "{{env.NOBODY}} has no value: there is no such environment variable."),
        ("bb", "{{bb}} has no value. Did you mean 'b'?"),
    ],
)
def test_a_placeholder_without_a_value(tmp_path: Path, asked: str, said: str):
    written(tmp_path, {"env.yaml": "a: {x: 1, y: 2}\nb: 1\n"})
    spec = f"- source: tasks.get\n  product: 'x{{{{{asked}}}}}'\n"
    assert any(line.endswith(said) for line in refused(tmp_path, spec))


def test_values_are_built_from_earlier_ones(tmp_path: Path):
    written(tmp_path, {"env.yaml": "a: '{{b}}'\nb: 1\n"})
    said = refused(tmp_path, "- source: tasks.get\n  product: '{{a}}'\n")
    assert "{{b}} has no value yet: write b above what uses it." in said[0]


def test_git_placeholders(tmp_path: Path):
    spec = "- source: tasks.get\n  product: '{{git}}/{{git_hash}}.csv'\n"
    written(tmp_path, {"pipeline.yaml": spec})
    assert "{{git}} has no value: it needs git" in refused(tmp_path, spec)[0]
    who = ["-c", "user.email=a@b.c", "-c", "user.name=a"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], [*who, "commit", "-q", "-m", "1"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, timeout=60)
    branch, name = products(loaded(tmp_path, spec))["get"].split("/")
    assert branch == "main"
    assert len(name.removesuffix(".csv")) >= 7
    (tmp_path / "tasks.py").write_text("def get(product): 1\n")
    assert products(load(around=Around({}, tmp_path)))["get"].endswith("-dirty.csv")


def test_a_package_is_read_from_its_src(tmp_path: Path):
    files = {
        "setup.py": "",
        "src/pkg/__init__.py": "",
        "src/pkg/tasks.py": "def get(product): pass\n",
        "src/pkg/pipeline.yaml": "- source: pkg.tasks.get\n  product: out/get.csv\n"
        "- source: src/pkg/s.py\n  product: s.html\n",
        "src/pkg/s.py": "",
    }
    pipeline = loaded(tmp_path, files)
    assert pipeline.root == str(tmp_path)
    assert products(pipeline) == {"get": "out/get.csv", "s": "s.html"}
    assert str(tmp_path / "src") in pipeline.import_from


def test_from_scripts_alone(tmp_path: Path):
    cell = '# %% tags=["parameters"]\nupstream = {}\nproduct = {{"nb": "{}.ipynb"}}\n'
    files = {"s/a.py": cell.format("None", "a"), "s/b.py": cell.format("['a']", "b")}
    written(tmp_path, files)
    for entry in ("s", "s/*.py", str(tmp_path / "s")):
        pipeline = load(entry, around=Around({}, tmp_path))
        assert pipeline.tasks["b"].upstream == {"a": ("a",)}
    assert products(load("s/a.py", around=Around({}, tmp_path)))["a"] == {"nb": "a.ipynb"}


def test_where_a_pipeline_begins(tmp_path: Path):
    serve = {"pipeline.serve.yaml": ONE.replace("get.csv", "serve.csv"), "pipeline.yaml": ONE}
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    assert loaded(tmp_path, serve, cwd=inside).root == str(tmp_path)
    chosen = loaded(tmp_path, serve, cwd=inside, environ={"ENTRY_POINT": "pipeline.serve.yaml"})
    assert (chosen.name, products(chosen)) == ("pipeline.serve", {"get": "serve.csv"})
    with pytest.raises(NotFoundError, match=r"nothing\.yaml"):
        load("nothing.yaml", around=Around({}, tmp_path))
    with pytest.raises(NotFoundError, match="is no pipeline"):
        load("what is this", around=Around({}, tmp_path))
    (tmp_path / "env.yml").write_text("a: 1")
    with pytest.raises(UsageError, match=r"env\.yml is not read"):
        load(around=Around({}, tmp_path))


def test_all_problems_are_told_at_once_with_their_lines(tmp_path: Path):
    spec = """\
executer: parallel
meta: {extract_upstreams: true}
tasks:
  - source: tasks.gett
    product: a
  - source: tasks.fit
    product: b
    parms: {}
    timeout: soon
  - source: no.such
    product: c
  - source: nothing.py
    product: d
  - source: tasks.clean
  - source: tasks.join
    product: '{{nothing}}'
"""
    said = refused(tmp_path, spec)
    for text in (
        "pipeline.yaml:1: there is no key 'executer'. Did you mean 'executor'?",
        "pipeline.yaml:2: meta has no key 'extract_upstreams'. Did you mean 'extract_upstream'?",
        "pipeline.yaml:4: tasks.gett: tasks.py defines no function 'gett'. Did you mean 'get'?",
        "pipeline.yaml:8: fit: a function task has no key 'parms'. Did you mean 'params'?",
        "pipeline.yaml:9: fit: timeout is 'soon'. Write 90, 30m or 2h.",
        "pipeline.yaml:12: nothing.py: source nothing.py is not there.",
        "pipeline.yaml:14: clean: product is missing. Write product: PATH.",
    ):
        assert text in said
    assert any(":10: no.such: " in line for line in said)
    assert any("{{nothing}} has no value" in line for line in said)
    assert said == sorted(said, key=lambda line: int(line.split(":")[1]))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("location: x.y\ntasks: []\n", "beside location there can be no 'tasks'"),
        ("tasks: []\n", "tasks is empty"),
        ("meta: {}\n", "tasks is missing"),
        ("3\n", "no mapping and no list"),
        (ONE + "executor: dask\n", "the executor 'dask' is not taken over"),
        (ONE + "executor: {dotted_path: my.Executor}\n", "is not taken over"),
        (ONE + "config: {outdated_by_code: false}\n", "outdated_by_code: false is not taken over"),
        (ONE + "    class: PostgresCopyFrom\n", "Use SQLUpload"),
        (ONE + "    class: PythonCalable\n", "Did you mean 'PythonCallable'"),
        (ONE + "    class: [1]\n", "[1] is no class"),
        (ONE + "    product_class: MetaProduct\n", "Write several products as KEY: PATH"),
        (ONE + "    product_class: SQLRelation\n", "Write [NAME, table]"),
        (ONE + "    for_each: fit\n", "there is no grid 'fit'"),
        (ONE + "    for_each: [a]\n", "there is no grid ['a']"),
        (ONE + "    name: a/b\n", "the name 'a/b' cannot be a file's"),
        (ONE + "    chunksize: 3\n", "It is for sql-dump, sql-transfer, sql-upload"),
        (ONE + "    params: {product: 3}\n", "params has 'product'"),
        (ONE + "    params: [3]\n", "Write NAME: VALUE"),
        (ONE + "    params: {n: 3}\n", "get takes no 'n'"),
        (ONE + "    params: {resources_: {a: nothing.txt}}\n", "'nothing.txt' is not there"),
        (ONE + "    params: {n: tasks::nothing}\n", "tasks has no 'nothing'"),
        (ONE + "    params: {n: tasks::fails}\n", "tasks.fails fails: ZeroDivisionError"),
        (ONE + "    params: {n: tasks::none}\n", "tasks.none returns None"),
        ("- {souce: tasks.get, product: a}\n", "no key 'souce'. Did you mean 'source'?"),
        ("- {product: a}\n", "source is missing."),
        (ONE + "    grid: {}\n", "it is empty. Write NAME: [VALUE, …]"),
        (ONE + "    grid: 3\n", "3 is no mapping of names to values"),
        (ONE + "    grid: {n: []}\n", "it has no points"),
        (ONE + "    grid: {n: [1]}\n    params: {n: 1}\n", "n: in params as well"),
        (ONE + f"    grid: {{a: {[*range(400)]}, b: {[*range(400)]}}}\n", "more than 100,000 points"),
        (ONE + "    upstream: nothing\n", "there is no task 'nothing'"),
        (ONE + "    upstream: 'nothing-*'\n", "no task is called 'nothing-*'"),
        (ONE + "    upstream: get\n", "a circle: get → get"),
        (ONE + "    on_finish: 3\n", "on_finish is 3. Write module.name"),
        (ONE + "    on_finish: tasks.gett\n", "on_finish: tasks.gett: tasks.py has no 'gett'. Did you"),
        (ONE + "clients: {File: nothing.x}\n", "clients.File: nothing.x: there is no module"),
        (ONE + "serializer: bad.x\n", "bad.py, line 1: "),
        (ONE + "    retries: -1\n", "retries is -1"),
        (ONE + "    memory: 4XB\n", "memory is '4XB'"),
        (ONE + "    cpus: many\n", "cpus is 'many'"),
        (ONE + "  - source: tasks.get\n    product: x\n", "another task has this name"),
        ("- {source: tasks.get, product: pipeline.yaml}\n", "it would write over pipeline.yaml"),
        (ONE + "    name: a\n  - source: tasks.get\n    product: get.csv\n", "it makes get.csv as a does"),
        (ONE.replace("get.csv", "."), "the pipeline's own folder"),
        (ONE.replace("get.csv", "[a, b, c, d]"), "Write [NAME, table]"),
        (ONE.replace("get.csv", "{}"), "Write KEY: PATH"),
        (ONE.replace("tasks.get", "bad.get"), "bad.py, line 1: "),
        (ONE.replace("tasks.get", "tasks/get.rs"), "is neither a file that ends in"),
        (ONE.replace("tasks.get", "s.sh"), "s.sh does not use {{product}}"),
        (ONE.replace("tasks.get", "s.sql").replace("get.csv", "[t, table]"), "s.sql does not use"),
        (ONE.replace("tasks.get", "tasks.noproduct"), "takes no argument product"),
        (ONE.replace("tasks.get", "tasks.wants"), "wants wants 'n'. Write params"),
        (ONE + "serializer: tasks.get\n", "has a serializer: return instead"),
        ("meta: {source_loader: {module: nothing}}\n" + ONE, "there is no module 'nothing'"),
        ("meta: {import_tasks_from: nothing.yaml}\n" + ONE, "There is no file"),
        ("meta: {import_tasks_from: env.yaml}\n" + ONE, "is a list of tasks"),
        ('meta: {import_tasks_from: "\\0"}\n' + ONE, "null byte"),
        (ONE.replace("tasks.get", '"a\\0.py"'), "null byte"),
        ("clients: {SqlScript: a.b}\n" + ONE, "Did you mean 'SQLScript'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(tmp_path: Path, spec: str, said: str):
    functions = """
def get(product): pass
def fails(): 1 / 0
def none(): pass
def noproduct(): pass
def wants(product, n): pass
"""
    files = {"tasks.py": functions, "bad.py": "def (", "env.yaml": "{}", "pipeline.yaml": spec}
    files |= {"s.sh": "ls", "s.sql": "CREATE TABLE x AS SELECT 1"}
    with pytest.raises(UsageError) as caught:
        loaded(tmp_path, files)
    assert said in str(caught.value)


def test_a_circle_names_its_tasks(tmp_path: Path):
    tasks = "def a(product, upstream): upstream['b']\ndef b(product, upstream): upstream['a']\n"
    spec = "- {source: t.a, product: a}\n- {source: t.b, product: b}\n"
    assert "a circle: a → b → a" in refused(tmp_path, {"t.py": tasks, "pipeline.yaml": spec})[0]


def test_functions_are_found_where_they_are_defined(tmp_path: Path):
    files = {
        "pkg/__init__.py": "from .inner import get as fetch\nfrom pkg import inner\n",
        "pkg/inner.py": "def get(product, upstream):\n    upstream['first']\n",
        "star.py": "from pkg.inner import *\n",
        "part.py": "import functools\ndef f(product, n, upstream): upstream['first']\n"
        "g = functools.partial(f, n=1)\n",
        "maybe.py": "try:\n    import nothing\nexcept ImportError:\n    def first(product): pass\n",
        "pipeline.yaml": """
- {source: maybe.first, product: first}
- {source: pkg.fetch, name: a, product: a}
- {source: pkg.inner.get, name: b, product: b}
- {source: star.get, name: c, product: c}
- {source: part.g, name: d, product: d}
""",
    }
    pipeline = loaded(tmp_path, files)
    for name in "abcd":
        assert pipeline.tasks[name].upstream == {"first": ("first",)}


def test_ploombers_names_are_ours_in_user_code(tmp_path: Path):
    files = {
        "values.py": "from ploomber.util import ParamGrid\n"
        "def depths():\n    return [p['n'] for p in ParamGrid({'n': [1, 2]}).product()]\n",
        "pipeline.yaml": "- {source: tasks.fit, name: fit, product: m, grid: {depth: values::depths}}"
        "\n- {source: tasks.clean, product: c}\n- {source: tasks.get, product: g}\n",
    }
    assert {"fit-1", "fit-2"} <= loaded(tmp_path, files).tasks.keys()


def test_a_jobs_words_and_yamls_odd_keys(tmp_path: Path):
    spec = """
- class: train
  name: fit
  source: train.py
  on: process
  product: {model: m}
  params: {pretrained: none, epochs: 3, rate: '0.1'}
"""
    pipeline = loaded(tmp_path, {"train.py": "", "pipeline.yaml": spec})
    fit = pipeline.tasks["fit"]
    assert fit.options == {"on": "process"}
    assert fit.params == {"pretrained": "none", "epochs": 3, "rate": "0.1"}


def test_a_great_many_tasks_are_read_quickly(tmp_path: Path):
    functions = "".join(
        f"def f{n}(product, upstream): upstream['f{n - 1}']\n" for n in range(1, 2000)
    )
    spec = "".join(f"- {{source: tasks.f{n}, product: out/{n}}}\n" for n in range(2000))
    files = {"tasks.py": "def f0(product): pass\n" + functions, "pipeline.yaml": spec}
    written(tmp_path, files)
    before = time.process_time()
    pipeline = load(around=Around({}, tmp_path))
    assert list(pipeline.tasks) == [f"f{n}" for n in range(2000)]
    assert time.process_time() - before < 5  # 0.3 s alone


def test_a_product_within_anothers_is_noted(tmp_path: Path):
    tasks = "def a(product): pass\ndef b(product): pass\n"
    spec = "- {source: t.a, product: out/a}\n- {source: t.b, product: out/a/b/c.csv}\n"
    notes = loaded(tmp_path, {"t.py": tasks, "pipeline.yaml": spec}).notes
    assert notes[0].startswith("out/a/b/c.csv of task b is inside of out/a, which a makes")


def test_families_that_share_a_name(tmp_path: Path):
    tasks = "def a(product, x): pass\ndef b(product, y): pass\ndef c(product): pass\n"
    spec = """
- {source: t.a, name: 'fit-[[x]]', product: 'a-[[x]]', grid: {x: [1]}}
- {source: t.b, name: 'fit-[[y]]', product: 'b-[[y]]', grid: {y: [2]}}
- {source: t.c, name: c, product: c, for_each: fit-y}
- {source: t.c, name: d, product: d, for_each: 'fit-[[x]]'}
"""
    tasks_ = loaded(tmp_path, {"t.py": tasks, "pipeline.yaml": spec}).tasks
    assert {name: task.family for name, task in tasks_.items()} == {
        "fit-1": "fit", "fit-2": "fit-y", "c-2": "c", "d-1": "d",
    }  # fmt: skip
    assert (tasks_["c-2"].needs, tasks_["d-1"].needs) == (("fit-2",), ("fit-1",))


def test_two_projects_in_one_process_have_their_own_modules(tmp_path: Path):
    spec = "- {source: tasks.get, product: 'x', params: {n: 'tasks::value'}}\n"
    for value in (1, 2):
        code = f"def get(product, n): pass\ndef value():\n    print('x')\n    return {value}\n"
        for folder in (tmp_path / str(value), tmp_path / "same"):
            pipeline = loaded(folder, {"tasks.py": code + "#" * value, "pipeline.yaml": spec})
            assert pipeline.tasks["get"].params == {"n": value}


def test_what_user_code_prints_is_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code = "def get(product, n): pass\ndef value():\n    print('loud')\n    return 1\n"
    spec = "- {source: tasks.get, product: 'x', params: {n: 'tasks::value'}}\n"
    loaded(tmp_path, {"tasks.py": code, "pipeline.yaml": spec})
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "loud\n")


def test_user_code_gets_plain_values(tmp_path: Path):
    code = "def get(product, n): pass\ndef hook(): pass\n"
    spec = """
- source: t.get
  name: g
  product: g
  grid: {n: [{a: {b: [1]}}, 'x']}
  on_finish: {dotted_path: t.hook, more: {a: [{b: 1}]}}
"""
    tasks = loaded(tmp_path, {"t.py": code, "pipeline.yaml": spec}).tasks
    task = next(iter(tasks.values()))
    for value in (
        task.params["n"],
        task.params["n"]["a"],
        task.hooks["on_finish"].arguments["more"],
    ):
        assert type(value) is dict
    assert type(task.params["n"]["a"]["b"]) is list


def test_another_env_file_by_name(tmp_path: Path):
    files = {
        "env.yaml": "w: usual\n",
        "other.yaml": "w: other\n",
        "pipeline.yaml": "- source: tasks.get\n  product: '{{w}}'\n",
    }
    said = {"PLOOMBER_ENV_FILENAME": "other.yaml"}
    assert products(loaded(tmp_path, files, environ=said)) == {"get": "other"}
    for wrong in ("nothing.yaml", "a/other.yaml"):
        with pytest.raises(UsageError if "/" in wrong else NotFoundError, match="PLOOMBER_ENV"):
            loaded(tmp_path, files, environ={"PLOOMBER_ENV_FILENAME": wrong})


def test_many_points_that_follow_a_grid(tmp_path: Path):
    """Each of many asks for a pattern: none of them looks at all the others."""
    code = """
def fit(product, n): pass
def score(product, upstream): upstream["fit-*"]
def one(product): pass
def part(product, upstream, n): upstream["score-*"]
"""
    spec = f"""
- {{source: t.fit, name: fit, product: m, grid: {{n: {list(range(3000))}}}}}
- {{source: t.score, name: score, product: s, for_each: fit}}
- {{source: t.one, name: fit-other, product: o}}
- {{source: t.part, name: part, product: p, for_each: score}}
"""
    written(tmp_path, {"t.py": code, "pipeline.yaml": spec})
    before = time.process_time()
    tasks = load(around=Around({}, tmp_path)).tasks
    assert time.process_time() - before < 8  # 0.4 s alone; 30 s when all are compared with all
    assert tasks["score-2999"].needs == ("fit-2999", "fit-other")
    assert tasks["part-712"].needs == ("score-712",)
    assert tasks["part-5"].needs == ("score-5",)


def test_without_jinja_simple_placeholders_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("jinja2", "jinja2.sandbox", "jinja2.nodes"):
        monkeypatch.setitem(sys.modules, name, None)
    files = {"env.yaml": "a: {b: x}\n", "s.sh": "cp {{upstream.get}} {{product}}"}
    spec = "- source: tasks.get\n  product: '{{a.b}}-{{ a.b }}'\n"
    assert products(loaded(tmp_path, {**files, "pipeline.yaml": spec})) == {"get": "x-x"}
    for more in ("{{a.b | upper}}", "{% if a %}{% endif %}"):
        said = refused(tmp_path, {**files, "pipeline.yaml": spec.replace("{{ a.b }}", more)})
        assert said[0].endswith("needs Jinja: pip install 'byoa[pipeline]'")
    said = refused(tmp_path, {**files, "pipeline.yaml": spec + "- {source: s.sh, product: s}\n"})
    assert said == [
        "pipeline.yaml:3: s.sh: its placeholders need Jinja: pip install 'byoa[pipeline]'"
    ]


def test_problems_of_an_imported_file_are_its_own(tmp_path: Path):
    more = "- {source: tasks.get, product: x}\n-\n  source: tasks.gett\n  product: '{{nothing}}'\n- 3\n"
    files = {"more.yaml": more, "pipeline.yaml": "meta: {import_tasks_from: more.yaml}\ntasks: 3\n"}
    said = refused(tmp_path, files)
    assert any(
        line.startswith("more.yaml:4: tasks.gett: {{nothing}} has no value") for line in said
    )
    assert any(line.startswith("more.yaml:3: tasks.gett: tasks.py defines no") for line in said)
    assert "more.yaml: task 3 is 3. Write source: and product:." in said
    assert "pipeline.yaml:2: tasks is 3, no list." in said
