"""Pipelines made by user code with Ploomber's classes: `location:`, `--entry-point mod.fn`."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoa.pipeline.load import Around, load
from byoa.plan.errors import UsageError
from byoa.plan.pipeline.model import Pipeline
from tests.byoa.pipeline.loading import loaded, products, written

FACTORY = '''
from pathlib import Path

from ploomber import DAG, DAGConfigurator, SourceLoader, load_env, with_env
from ploomber.clients import SQLAlchemyClient
from ploomber.executors import Parallel
from ploomber.products import File, SQLiteRelation
from ploomber.tasks import (
    NotebookRunner, PythonCallable, ShellScript, SQLDump, SQLScript, SQLUpload, TaskGroup,
)

import functions


@with_env
def make(env, big=False):
    """A factory like those in Ploomber's examples."""
    cfg = DAGConfigurator({"hot_reload": True})
    cfg.params.hot_reload = True
    dag = cfg.create(name="ml pipeline")
    dag.executor = Parallel(processes=3)
    loader = SourceLoader(path="templates")
    out = env.path.data
    assert isinstance(out, Path)
    get = PythonCallable(
        functions.get, File(out / "get.csv"), dag, name="get", params={"sample": env.sample}
    )
    clean = PythonCallable(functions.clean, product={"a": File(out / "a"), "b": File("b")}, dag=dag)
    page = File(out / "plot.ipynb")
    plot = NotebookRunner(loader["plot.py"], page, dag, static_analysis="disable")
    get >> clean
    (get + clean) >> plot
    client = SQLAlchemyClient("sqlite:///" + str(out / "x.db"))
    dag.clients[SQLScript] = dag.clients[SQLiteRelation] = client
    table = SQLScript(loader["t.sql"], SQLiteRelation((None, "t", "table")), dag, name="t")
    text = SQLScript(
        "CREATE VIEW {{product}} AS SELECT * FROM {{upstream['t']}}",
        SQLiteRelation(["v", "view"]), dag, name="v",
    )
    table >> text
    shell(dag)
    group = TaskGroup.from_grid(
        PythonCallable, File, "fit.txt", {"source": functions.fit}, dag,
        {"depth": [1, 2]}, name="fit-", params={"rate": 3},
    )
    plot >> group
    get.on_finish = functions.done
    dag.on_failure = functions.done
    return dag


@load_env
def shell(env, dag):
    return ShellScript("touch {{product}}", File(env.path.data / "s"), dag, name="s")
'''
FILES = {
    "factory.py": FACTORY,
    "functions.py": """
def get(product, sample): pass
def clean(product, upstream): pass
def fit(product, upstream, depth, rate): pass
def done(): pass
""",
    "templates/plot.py": '# %% tags=["parameters"]\nupstream = None\n',
    "templates/t.sql": "CREATE TABLE {{product}} AS SELECT 1",
    "env.yaml": "path:\n  data: out/\nsample: true\n",
    "pipeline.yaml": "location: factory.make\n",
}


def check(pipeline: Pipeline) -> None:
    assert pipeline.name == "ml-pipeline"
    assert pipeline.executor.arguments == {"processes": 3}
    assert products(pipeline) == {
        "get": "out/get.csv",
        "clean": {"a": "out/a", "b": "b"},
        "plot": "out/plot.ipynb",
        "t": ("", "t", "table"),
        "v": ("", "v", "view"),
        "s": "out/s",
        "fit-1": "fit-1.txt",
        "fit-2": "fit-2.txt",
    }
    tasks = pipeline.tasks
    assert tasks["plot"].upstream == {"get": ("get",), "clean": ("clean",)}
    assert tasks["fit-2"].needs == ("plot",)
    assert tasks["fit-2"].params == {"depth": 2, "rate": 3}
    assert (tasks["plot"].kind, tasks["plot"].source.path) == ("notebook", "templates/plot.py")
    assert tasks["t"].options["templates"] == ["templates"]
    assert (tasks["v"].kind, tasks["v"].source.text[:11]) == ("sql-script", "CREATE VIEW")
    assert tasks["v"].client is not None
    assert tasks["v"].client == tasks["v"].products[""].client
    assert tasks["get"].hooks["on_finish"].path == "functions.done"
    assert pipeline.hooks["on_failure"].path == "functions.done"


def test_a_factory_of_ploombers_classes(tmp_path: Path):
    check(loaded(tmp_path, FILES))
    check(load("factory.make", around=Around({}, tmp_path)))


def test_an_override_reaches_with_env(tmp_path: Path):
    pipeline = loaded(tmp_path, FILES, overrides={"sample": "0", "path--data": "other"})
    assert pipeline.tasks["get"].params == {"sample": 0}
    assert products(pipeline)["get"] == "other/get.csv"
    with pytest.raises(UsageError, match="Did you mean 'sample'"):
        loaded(tmp_path, FILES, overrides={"sampel": "0"})


def test_a_factory_that_changes_what_is_read(tmp_path: Path):
    code = """
from ploomber import with_env
from ploomber.spec import DAGSpec

def done(): pass

@with_env("env.yaml")
def make(env):
    dag = DAGSpec("spec.yaml", env=dict(env)).to_dag()
    if env.short:
        del dag["b"]
    if env.wrong:
        dag.pop("a")
    dag["a"].on_finish = done
    dag.on_failure = done
    assert str(dag["a"]).endswith("out/a") and dag["a"].product.name == "a"
    return dag
"""
    files = {
        "made.py": code,
        "t.py": "def a(product): pass\ndef b(product, upstream): upstream['a']\n",
        "env.yaml": "root: out\nshort: true\nwrong: false\n",
        "spec.yaml": "- {source: t.a, product: '{{root}}/a'}\n- {source: t.b, product: b}\n",
    }
    written(tmp_path, files)
    around = Around({}, tmp_path)
    pipeline = load("made.make", around=around)
    assert products(pipeline) == {"a": "out/a"}
    assert pipeline.tasks["a"].hooks["on_finish"].path == "made.done"
    assert pipeline.hooks["on_failure"].path == "made.done"
    assert list(load("made.make", {"short": "0"}, around).tasks) == ["a", "b"]
    (tmp_path / "made.py").write_text(
        code.replace('dag["a"].on', 'dag["b"].on').split("    assert")[0] + "    return dag\n"
    )
    with pytest.raises(UsageError, match="b: it needs a, which was taken out of the DAG"):
        load("made.make", {"short": "0", "wrong": "1"}, around)


def test_a_factorys_own_arguments(tmp_path: Path):
    code = """
from byoa.pipeline import Pipeline, Task
def get(product): pass
def make(many: int = 1):
    return Pipeline([Task(get, f"{n}.txt", name=f"get{n}") for n in range(many)])
def nothing(): pass
def fails(): 1 / 0
"""
    written(tmp_path, {"made.py": code})
    around = Around({}, tmp_path)
    assert list(load("made.make", {"many": "2"}, around).tasks) == ["get0", "get1"]
    for entry, said in {
        "made.nothing": "made.nothing returns NoneType, no pipeline",
        "made.fails": "made.fails fails: ZeroDivisionError",
        "made.missing": "made has no 'missing'",
        "nowhere.make": "No module named 'nowhere'",
    }.items():
        with pytest.raises(UsageError, match=said):
            load(entry, around=around)


def test_a_dag_is_built_and_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code = """
from pathlib import Path
from ploomber import DAG
from ploomber.exceptions import DAGBuildError
from ploomber.products import File
from ploomber.spec import DAGSpec
from ploomber.tasks import PythonCallable

def get(product): Path(product).write_text("x")
def fails(product, upstream): raise ValueError("no")

def run():
    dag = DAG()
    one = PythonCallable(get, File("one.txt"), dag)
    assert dag.render() is dag and list(dag) == ["get"] and len(dag) == 1 and "get" in dag
    assert dag.build(show_progress=False) == {"get": "done"}
    assert dag.build(show_progress=False) == {"get": "kept"}
    assert dag.status() == {"get": "keep"}
    assert dag["get"].build(force=True) == {"get": "done"} and str(dag["get"]) == "one.txt"
    one >> PythonCallable(fails, File("two.txt"), dag, name="two")
    assert Path(dag["get"].product).read_text() == "x"
    try:
        dag.build(show_progress=False)
    except DAGBuildError as error:
        assert "two" in str(error)
    else:
        raise AssertionError
    spec = DAGSpec([{"source": "script.get", "product": "{{where}}"}], env={"where": "three.txt"})
    spec.to_dag().build(show_progress=False)
    return Path("three.txt").read_text()
"""
    written(tmp_path, {"script.py": code})
    monkeypatch.chdir(tmp_path)
    from byoa.pipeline.importing import importing
    from byoa.pipeline.modules import Modules

    run = Modules([str(tmp_path)]).load("script.run")
    with importing([tmp_path]):
        assert run() == "x"
