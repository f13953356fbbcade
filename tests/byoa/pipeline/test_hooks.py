"""Hooks of tasks and of the pipeline: when they are called, with what, and when they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoa.plan.pipeline.model import SINGLE, Dotted, Source
from tests.byoa.pipeline.made import Project, became, error, hook

CODE = """
    import json
    from pathlib import Path

    def get(product): product.write_text("1")
    def bad(product): raise ValueError("no")

    def note(name, **values):
        with open("notes", "a") as file: file.write(json.dumps([name, values]) + "\\n")
    def task_rendered(task): note("rendered", task=task.name)
    def task_finished(task, product, params, more):
        note("finished", task=task.name, read=Path(product).read_text(), params=sorted(params), more=more)
    def task_failed(task, params): note("failed", task=task.name)
    def looks(task): note("looked", task=task.name, product=str(task.upstream["get"].product))
    def refuses(product): raise ValueError("not good enough")
    def wants(nonsense): pass
    def rendered(dag): note("dag rendered", tasks=sorted(dag), product=str(dag["get"].product))
    def finished(report, dag): note("dag finished", ran=dict(zip(report["name"], report["Ran?"])))
    def failed(traceback): note("dag failed", said="ValueError: no" in traceback["build"])
    def stops():
        class DAGBuildEarlyStop(Exception): pass
        raise DAGBuildEarlyStop("not today")
"""  # noqa: E501


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, CODE)
    made.words["hooks"] = {
        "on_render": hook("steps.rendered"),
        "on_finish": hook("steps.finished"),
        "on_failure": hook("steps.failed"),
    }
    return made


def notes(project: Project) -> list[str]:
    file = project.root / "notes"
    return file.read_text().splitlines() if file.exists() else []


def test_hooks_are_called_in_order_with_what_they_ask_for(project: Project):
    hooks = {
        "on_render": hook("steps.task_rendered"),
        "on_finish": hook("steps.task_finished", more=7),
        "on_failure": hook("steps.task_failed"),
    }
    project.task("get", hooks=hooks, params={})
    assert project.build().exit_code == 0
    assert notes(project) == [
        '["rendered", {"task": "get"}]',
        f'["dag rendered", {{"tasks": ["get"], "product": "{project.root}/out/get"}}]',
        '["finished", {"task": "get", "read": "1", "params": ["product"], "more": 7}]',
        '["dag finished", {"ran": {"get": true}}]',
    ]


def test_a_failure_calls_on_failure(project: Project):
    project.task("get")
    project.task("bad", hooks={"on_failure": hook("steps.task_failed")})
    result = project.build()
    assert became(result) == {"get": "done", "bad": "failed"}
    assert notes(project)[1:] == ['["failed", {"task": "bad"}]', '["dag failed", {"said": true}]']


def test_a_failing_on_failure_does_not_hide_the_tasks_own_error(project: Project):
    project.task("get")
    project.task("bad", hooks={"on_failure": hook("steps.refuses")})
    result = project.build()
    assert error(result, "bad") == "ValueError: no"
    log = (project.root / result.outcomes["bad"].log).read_text()
    assert "on_failure of task 'bad' failed, too:" in log
    assert log.index("not good enough") < log.index("ValueError: no"), "the task's own comes last"


def test_a_hooks_task_has_the_tasks_that_it_needs(project: Project):
    project.write(CODE + "\n    def uses(product, upstream): product.write_text('')\n")
    project.words["hooks"] = {}
    project.task("get")
    project.task("uses", upstream={"get": ("get",)}, hooks={"on_finish": hook("steps.looks")})
    assert became(project.build()) == {"get": "done", "uses": "done"}
    get = project.root / project.pipeline.tasks["get"].products[SINGLE].path
    assert notes(project) == [f'["looked", {{"task": "uses", "product": "{get}"}}]']


def test_sys_exit_with_0_is_a_good_end(project: Project):
    project.write(
        CODE + "\n    def exits(product):\n        product.write_text(''); raise SystemExit\n"
    )
    hooks = {"on_failure": hook("steps.task_failed"), "on_finish": hook("steps.task_rendered")}
    project.task("exits", hooks=hooks)
    project.words["hooks"] = {}
    assert became(project.build()) == {"exits": "done"}
    assert notes(project) == ['["rendered", {"task": "exits"}]'], "on_finish, and not on_failure"


def test_early_stop_by_ploombers_own_name(project: Project):
    project.write("""
        from ploomber.exceptions import DAGBuildEarlyStop
        def enough(product): raise DAGBuildEarlyStop("enough")
    """)
    project.words["hooks"] = {}
    project.task("enough")
    assert (project.build().stopped, project.build().exit_code) == ("early", 0)


def test_on_finish_that_refuses_fails_the_task(project: Project):
    project.task("get", hooks={"on_finish": hook("steps.refuses")})
    result = project.build()
    assert error(result, "get") == "ValueError: not good enough"
    assert not (project.root / "out").exists(), "what it made is not taken"


@pytest.mark.parametrize(
    ("name", "path", "said"),
    [
        (
            "on_render",
            "steps.refuses",
            "on_render of the pipeline failed: on_render asks for product.",
        ),
        ("on_finish", "steps.stop", "has no 'stop', which 'steps.stop' names."),
        ("on_finish", "steps.wants", "asks for nonsense. It may ask for dag, report."),
    ],
)
def test_a_hook_of_the_pipeline_that_fails_fails_the_build(
    project: Project, name: str, path: str, said: str
):
    project.words["hooks"] = {name: hook(path)}
    project.task("get")
    result = project.build()
    assert result.exit_code == 1 and result.failure and said in result.failure.text
    assert became(result) == {"get": "cancelled" if name == "on_render" else "done"}


def test_a_hook_may_stop_the_build_early(project: Project):
    project.words["hooks"] = {"on_render": hook("steps.stops")}
    project.task("get")
    result = project.build()
    assert (result.exit_code, result.stopped) == (0, "early")
    assert became(result) == {"get": "cancelled"}


def test_hooks_are_called_when_there_is_nothing_to_run_too(project: Project):
    project.task("get")
    project.build()
    (project.root / "notes").unlink()
    project.build()
    assert [line.split(",")[0] for line in notes(project)] == ['["dag rendered"', '["dag finished"']


def test_hooks_of_a_pipeline_from_python(project: Project):

    told = project.root / "told"

    def finished(report: dict[str, list[str]]) -> None:
        told.write_text(",".join(report["name"]))

    project.words["hooks"] = {"on_finish": Dotted("finished", object=finished)}
    project.task("get", source=Source(object=lambda product: product.write_text("1")))
    assert project.build().exit_code == 0
    assert told.read_text() == "get"
