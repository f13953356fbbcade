"""Pages, tables and pictures of a pipeline that was really built."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from byoa.cli.main import main
from byoa.pipeline import past, report
from byoa.pipeline.load import load
from byoa.plan.errors import NotFoundError

PIPELINE = """
tasks:
  - source: steps.get
    product: output/raw data.txt
  - source: steps.fit
    name: fit-[[depth]]
    product: {page: "output/fit-[[depth]].html", metrics: "output/fit-[[depth]].json"}
    grid: {depth: [1, 2, 3, 4]}
  - source: steps.best
    product: output/best.md
"""
STEPS = """
import json
from pathlib import Path

def get(product):
    "Gets it."
    Path(product).write_text("1 2 3")

def fit(product, upstream, depth):
    Path(upstream["get"]).read_text()
    print("fitting", depth)
    if depth == BAD:
        raise ValueError("too <deep>")
    Path(product["page"]).write_text("<p>a page</p>")
    Path(product["metrics"]).write_text(json.dumps({"loss": 1 / depth}))

def best(product, upstream):
    Path(product).write_text(", ".join(upstream["fit-*"]))

BAD = 0
"""


def build(root: Path, *words: str) -> int:
    command = [sys.executable, "-m", "byoa.cli", "pipeline", "build", *words]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
    print(done.stderr)
    return done.returncode


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after a build that went well."""
    root = tmp_path_factory.mktemp("project")
    (root / "pipeline.yaml").write_text(PIPELINE)
    (root / "steps.py").write_text(STEPS)
    assert build(root) == 0
    return root


@pytest.fixture
def project(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of it, in which one is."""
    root = tmp_path / "project"
    shutil.copytree(built, root)
    monkeypatch.chdir(root)
    monkeypatch.syspath_prepend(str(root))
    yield root


def change(root: Path, before: str, after: str) -> None:
    path = root / "steps.py"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def statuses(root: Path) -> dict[str, str]:
    return {name: seen.status for name, seen in report.gather(load(root)).tasks.items()}


def test_a_build_is_seen(project: Path):
    view = report.gather(load(project))
    assert {seen.status for seen in view.tasks.values()} == {"done"}
    assert view.run is not None and view.run.ended is not None and "pipeline build" in view.command
    fit = view.tasks["fit-4"]
    assert (fit.metrics, fit.attempts, fit.reasons) == ({"loss": 0.25}, 1, ("new",))
    assert fit.started is not None and fit.seconds > 0 and fit.peak_mb > 1
    assert [link.said for link in fit.links] == ["report", "metrics", "log"]


def test_the_code_is_on_the_page(project: Path):
    view = report.gather(load(project))
    assert [(code.said, len(code.tasks)) for code in view.sources] == [
        ("steps.get", 1), ("steps.fit", 4), ("steps.best", 1),
    ]  # fmt: skip
    text = report.write(load(project)).read_text()
    assert "raise ValueError(&quot;too &lt;deep&gt;&quot;)" in text
    pipeline = load(project)
    (project / "steps.py").unlink()
    assert not list(report.sources(pipeline)), "what is gone is left out"


def test_every_link_leads_to_a_file_wherever_the_page_is(project: Path):
    for path in (project / "a.html", project / "deep" / "er" / "b.html", project.parent / "c.html"):
        report.write(load(project), path)
        found = re.findall(r'href="([^"#][^"]*)"', path.read_text())
        files = [unquote(one) for one in found if one != "data:,"]
        assert files and all((path.parent / one).is_file() for one in files), files
        assert any(one.endswith("raw data.txt") for one in files)


def test_what_changed_is_outdated(project: Path):
    change(project, '", ".join', '"; ".join')
    view = report.gather(load(project))
    assert statuses(project) == {
        "get": "done", **dict.fromkeys(("fit-1", "fit-2", "fit-3", "fit-4"), "done"),
        "best": "outdated",
    }  # fmt: skip
    assert "source" in view.tasks["best"].reasons[0]


def test_a_failure_is_told_with_the_end_of_its_log(project: Path):
    change(project, "BAD = 0", "BAD = 3")
    assert build(project) == 1
    view = report.gather(load(project))
    assert view.tasks["fit-3"].status == "failed" and view.tasks["best"].status == "skipped"
    assert view.tasks["fit-3"].error == "ValueError: too <deep>"
    assert [link.said for link in view.tasks["fit-3"].links] == ["log"], "its products are older"
    assert "fitting 3\nTraceback" in view.tasks["fit-3"].tail and not view.tasks["fit-3"].metrics
    text = report.write(load(project)).read_text()
    assert "too &lt;deep&gt;" in text and "too <deep>" not in text


def test_an_earlier_run_can_be_shown(project: Path):
    (first,) = (project / ".byoa/pipeline/pipeline/runs").iterdir()
    change(project, "1 2 3", "3 2 1")
    assert build(project) == 0
    assert report.gather(load(project)).tasks["get"].started is not None
    view = report.gather(load(project), run=first.name[:-2])
    assert view.run is not None and view.run.run == first.name
    with pytest.raises(NotFoundError, match=r"no run '1999'\. The last ones: 2"):
        report.gather(load(project), run="1999")


def test_a_run_whose_driver_was_killed_has_nothing_at_work(project: Path):
    (folder,) = (project / ".byoa/pipeline/pipeline/runs").iterdir()
    events = (folder / "events.jsonl").read_text().splitlines(keepends=True)
    cut = next(n for n, line in enumerate(events) if '"task-end"' in line and "fit-1" in line)
    (folder / "events.jsonl").write_text("".join(events[:cut]) + '{"time": "2026-')
    assert report.gather(load(project)).tasks["fit-1"].status == "cancelled"
    with (project / ".byoa/pipeline/pipeline/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert report.gather(load(project)).tasks["fit-1"].status == "running"


def test_a_page_is_kept_up_to_date_while_a_build_goes_on(project: Path):
    page, seen = project / "pipeline.html", []
    with (project / ".byoa/pipeline/pipeline/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def sleep(seconds: float) -> None:
            assert seconds == 2
            seen.append('http-equiv="refresh" content="2"' in page.read_text())
            if len(seen) == 2:
                fcntl.flock(lock, fcntl.LOCK_UN)

        assert report.watch(load(project), sleep=sleep) == page
    assert seen == [True, True] and 'http-equiv="refresh"' not in page.read_text()


def test_before_the_first_build(project: Path):
    shutil.rmtree(project / ".byoa")
    shutil.rmtree(project / "output")
    assert set(statuses(project).values()) == {"waiting"}
    assert "never built" in report.write(load(project)).read_text()
    assert not (project / ".byoa").exists(), "looking makes nothing"


def test_damaged_runs_are_looked_at_all_the_same(project: Path):
    (folder,) = (project / ".byoa/pipeline/pipeline/runs").iterdir()
    for text in (
        "[1]",
        '{"jobs": "x", "argv": 3, "decisions": {"get": [], "best": {"action": 1}}}',
    ):
        (folder / "run.json").write_text(text)
        assert set(statuses(project).values()) == {"done"}
    (folder / "events.jsonl").write_bytes(b'\xff\n7\n{"event": "task-end", "task": ["a"]}\n')
    assert set(statuses(project).values()) == {"kept"}


def test_a_build_tells_of_what_is_asked_for(project: Path):
    words = [sys.executable, "-m", "byoa.cli", "pipeline", "build", "--until", "fit-1", "--force"]
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, timeout=120)
    assert "2 done in" in done.stderr and "waiting" not in done.stderr and "best" not in done.stderr


def test_secrets_of_the_command_are_not_on_the_page(tmp_path: Path):
    argv = ["/x/bin/byoa", "pipeline", "build", "--env--db_password", "hunter2", "--env--n=3",
            "--env--api_token=hunter2", "-j", "2"]  # fmt: skip
    (tmp_path / "run.json").write_text(json.dumps({"argv": argv}))
    assert past.command_of(tmp_path) == (
        "byoa pipeline build --env--db_password '***' --env--n=3 '--env--api_token=***' -j 2"
    )


# The verbs


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["pipeline", *words]) == 0
    return capsys.readouterr().out


def test_status(project: Path, capsys: pytest.CaptureFixture[str]):
    lines = said(capsys, "status").splitlines()
    assert lines[0].split() == ["name", "status", "last", "run", "took", "product", "source", "why"]
    assert lines[2].startswith("get") and "output/raw data.txt" in lines[2]
    assert lines[-1] == "6 done"
    change(project, "1 2 3", "3 2 1")
    lines = said(capsys, "status", "--outdated").splitlines()
    assert [line.split()[0] for line in lines[2:-1]] == [
        "get", "fit-1", "fit-2", "fit-3", "fit-4", "best",
    ]  # fmt: skip
    found = json.loads(said(capsys, "status", "fit-*", "--json"))
    assert [one["name"] for one in found] == ["fit-1", "fit-2", "fit-3", "fit-4"]
    assert found[3]["point"] == {"depth": 4} and found[3]["metrics"] == {"loss": 0.25}
    assert main(["pipeline", "status", "fot"]) == 2
    assert "No task is called fot. Did you mean" in capsys.readouterr().err


def test_plot(project: Path, capsys: pytest.CaptureFixture[str]):
    assert said(capsys, "plot") == f"{project / 'pipeline.svg'}\n"
    assert "<svg xmlns" in (project / "pipeline.svg").read_text()
    assert said(capsys, "plot", "-o", "-").startswith("flowchart TD\n")
    said(capsys, "plot", "-o", "g.dot", "--include-products")
    assert "output/raw data.txt" in (project / "g.dot").read_text()
    said(capsys, "plot", "--backend", "d3")
    assert "<!doctype html>" in (project / "pipeline.html").read_text()
    assert main(["pipeline", "plot", "-o", "g.jpeg"]) == 2
    assert "does not say what it is" in capsys.readouterr().err


def test_report(project: Path, capsys: pytest.CaptureFixture[str]):
    assert said(capsys, "report") == f"{project / 'pipeline.html'}\n"
    assert said(capsys, "report", "--family", "fit", "-o", "x/fit.html") == "x/fit.html\n"
    text = (project / "x" / "fit.html").read_text()
    assert "lowest loss" in text and "output/fit-4.html" in text
    assert said(capsys, "report", "--watch") == f"{project / 'pipeline.html'}\n"
    assert main(["pipeline", "report", "--watch", "--family", "fit"]) == 2
    assert main(["pipeline", "report", "--family", "fits"]) == 1
    assert "There is no grid 'fits'. There are: fit." in capsys.readouterr().err


def test_values_of_env_yaml_can_be_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "env.yaml").write_text("where: here\n")
    (tmp_path / "pipeline.yaml").write_text(
        "tasks:\n  - {source: a.sh, name: a, product: '{{where}}/x.txt'}\n"
    )
    (tmp_path / "a.sh").write_text("touch {{product}}")
    words = ["status", "-e", str(tmp_path / "pipeline.yaml"), "--json"]
    assert json.loads(said(capsys, *words))[0]["products"] == ["here/x.txt"]
    for given in (["--env--where", "there"], ["--env--where=there"]):
        assert json.loads(said(capsys, *words, *given))[0]["products"] == ["there/x.txt"]
    assert main(["pipeline", *words, "--env--where"]) == 2
    assert "--env--where needs a value" in capsys.readouterr().err


def test_ten_thousand_tasks_are_gathered_in_seconds(tmp_path: Path):
    lines = ["tasks:"] + [
        f"  - {{source: a.sh, name: part-{n}, product: out/{n}.txt}}" for n in range(10_000)
    ]
    (tmp_path / "pipeline.yaml").write_text("\n".join(lines))
    (tmp_path / "a.sh").write_text("touch {{product}}")
    before = os.times()
    text = report.write(load(tmp_path)).read_text()
    after = os.times()
    assert text.count('<tr id="t-') == 10_000
    assert after.user + after.system - before.user - before.system < 15
