"""A pipeline on Batch, as its user tells it: submitted, changed, failed, gone on with, fetched."""

from __future__ import annotations

import shutil
from pathlib import Path

from byoa.pipeline.batch.away import listed
from tests.byoa.pipeline.batch.conftest import Project, tasks_of

ALL = {"get", "fit-1", "fit-2", "best"}


def test_only_what_is_outdated_is_submitted_and_what_was_made_comes_home(project: Project):
    said = project.submit()
    assert said.code == 0, said.err
    assert tasks_of(said) == dict.fromkeys(ALL, "done")
    assert not (project.folder / "output").exists()

    again = project.run("submit")
    assert again.code == 0 and "all 4 tasks are up to date" in again.err

    project.change("pipeline.yaml", "[1, 2]", "[1, 7, 2]")
    project.change("tasks.py", "TEXT =", "# a comment\nTEXT =")
    grown = project.submit()
    assert tasks_of(grown) == {"fit-7": "done", "best": "done"}

    logs = project.run("logs", "fit-7")
    assert "fitting 7" in logs.out and logs.code == 0

    fetched = project.run("download")
    assert fetched.code == 0, fetched.err
    assert (project.folder / "output/best.txt").read_text() == "1: 1 2 3; 2: 1 2 3; 7: 1 2 3"
    plan = project.byoa("pipeline", "plan")
    assert plan.out.strip().splitlines()[-1] == "5 up to date", plan.out


def test_an_upstream_that_writes_the_same_bytes_reruns_nothing(project: Project):
    assert project.submit().code == 0
    project.change(
        "tasks.py", "Path(product).write_text(TEXT)", 'Path(product).write_text(TEXT + "")'
    )
    said = project.submit()
    assert tasks_of(said) == {"get": "done", "fit-1": "kept", "fit-2": "kept", "best": "kept"}


def test_a_failing_task_stops_what_depends_on_it_and_is_told(project: Project):
    project.change("tasks.py", "BAD = None", "BAD = 2")
    said = project.submit()
    assert said.code == 1
    assert tasks_of(said) == {"get": "done", "fit-1": "done", "fit-2": "failed", "best": "skipped"}
    (failed,) = (one for one in said.json["tasks"] if one["status"] == "failed")
    assert failed["reason"] == "ValueError: 2 is no good"
    assert failed["attempts"] == 1  # the user's own error is not tried again
    assert "ValueError: 2 is no good" in said.err and "fitting 2" in said.err

    status = project.run("status")
    assert status.code == 1 and "resume" in status.err
    project.change("tasks.py", "BAD = 2", "BAD = None")
    mended = project.submit()
    assert tasks_of(mended) == {"fit-1": "done", "fit-2": "done", "best": "done"}  # BAD is theirs


def test_modes_and_single_tasks(project: Project):
    refused = project.run("submit", "--task", "best")
    assert refused.code == 2
    assert "best needs fit-1, which is not submitted and has no record in S3" in refused.err
    assert tasks_of(project.submit("--until", "fit-1")) == {"get": "done", "fit-1": "done"}
    assert tasks_of(project.submit("--mode", "regular")) == {
        "get": "kept", "fit-1": "kept", "fit-2": "done", "best": "done",
    }  # fmt: skip
    forced = project.submit("--task", "best", "--mode", "force")
    assert tasks_of(forced) == {"best": "done"}
    unknown = project.run("submit", "--task", "besst")
    assert unknown.code == 2 and "Did you mean best?" in unknown.err


def test_another_clone_sees_the_run_and_has_nothing_to_do(project: Project, tmp_path: Path):
    assert project.submit().code == 0
    clone = tmp_path / "elsewhere" / project.folder.name
    shutil.copytree(project.folder, clone, ignore=shutil.ignore_patterns(".byoa"))
    other = Project(clone, project.byoa)
    assert "all 4 tasks are up to date" in other.run("submit").err
    assert tasks_of(other.run("status", "--json")) == dict.fromkeys(ALL, "done")
    (clone / "tasks.py").write_text((clone / "tasks.py").read_text().replace("1 2 3", "4"))
    assert tasks_of(other.submit("--until", "get")) == {"get": "done"}


def test_what_a_run_used_is_told_by_task(project: Project):
    assert project.submit("--until", "get").code == 0
    rows = project.run("cost", "--json", "--vcpu-hour", 0.04, "--gb-hour", 0.004).json
    assert [row["task"] for row in rows] == ["get", "all"]
    assert 0 < rows[0]["seconds"] < 60
    assert rows[0]["gb_hours"] == rows[1]["gb_hours"]
    assert rows[1]["usd"] > 0


def test_a_dry_run_shows_all_and_sends_nothing(project: Project):
    said = project.run("submit", "--dry-run")
    operations = [one["operation"] for one in said.json]
    assert operations[-3:] == ["batch.SubmitJob"] * 3  # the grid is one array
    assert {"iam.CreateRole", "iam.PutRolePolicy", "batch.RegisterJobDefinition"} < set(operations)
    fit = said.json[-2]["request"]
    assert fit["arrayProperties"] == {"size": 2}
    assert fit["dependsOn"][0]["jobId"].startswith("<id of ")
    assert project.run("status").code == 1
    assert listed(project.home.store, "") == []


def test_in_an_account_without_the_bucket_there_is_just_nothing_yet(project: Project):
    words = ("--bucket", f"none-{project.folder.name}")
    assert "was never submitted" in project.run("status", *words).err
    assert "Nothing of pipeline is done" in project.run("download", *words).err
    plan = project.run("plan", "--on", "batch", *words)
    assert plan.code == 0 and "4 run" in plan.out, plan.err
    assert len(project.run("submit", "--dry-run", *words).json) > 5
    assert project.run("clean", "--dry-run", *words).code == 0
    assert project.run("clean", "--unused", *words).code == 0


def test_what_only_this_machine_knows_travels_along(project: Project, tmp_path: Path):
    """Git's words, and folders that are elsewhere in each place: still the same task."""
    project.change(
        "pipeline.yaml",
        "tasks:\n",
        "tasks:\n  - {source: tasks.note, product: note.txt,"
        " params: {commit: '{{git_hash}}', folder: '{{root}}/data'}}\n",
    )
    project.change(
        "tasks.py",
        "BAD = None",
        "BAD = None\n\n\ndef note(product, commit, folder):\n"
        "    same = Path(folder) == Path('data').resolve()\n"
        "    Path(product).write_text(f'{commit} {same}')\n",
    )
    project.git("-c", "user.name=me", "-c", "user.email=me@here", "commit", "-qam", "first")
    assert project.submit("--until", "note").code == 0
    assert project.run("download", "note").code == 0
    commit, same = (project.folder / "note.txt").read_text().split()
    assert len(commit) >= 7 and "dirty" not in commit and same == "True"
    assert "up to date" in project.run("submit", "--until", "note").err
    assert "1 up to date" in project.byoa("pipeline", "plan", "--until", "note").out


def test_what_nobody_needs_any_more_can_be_removed(project: Project):
    assert project.submit("--until", "get").code == 0
    project.change("tasks.py", "1 2 3", "4 5")
    assert project.submit("--until", "get").code == 0
    assert len(project.home.store.held()) == 2
    dry = project.run("clean", "--unused", "--dry-run")
    assert "would remove products 1 object of no record" in dry.err
    said = project.run("clean", "--unused", "--runs", 1)
    assert said.code == 0 and said.err.count("removed ") == 2, said.err
    (run,) = project.home.store.names("index/")
    assert len(project.home.store.held()) == 1
    assert project.run("download").code == 0
    assert (project.folder / "output/get.txt").read_text() == "4 5"
    assert project.run("status", "--run", run).code == 0
    assert project.run("clean", "--unused").err == ""


def test_everything_can_be_removed(project: Project):
    assert project.submit("--until", "get").code == 0
    home = project.home
    dry = project.run("clean", "--dry-run")
    assert "would remove job queue" in dry.err and dry.code == 0
    said = project.run("clean")
    assert said.code == 0, said.err
    for kind in ("job queue", "compute environment", "job definition", "role", "stored"):
        assert f"removed {kind}" in said.err
    assert home.store.names("") == []
    batch = home.session.client("batch")
    mine = f"byoa-{home.project.name}"
    left = batch.describe_job_queues()["jobQueues"]
    assert not [one for one in left if one["jobQueueName"] == mine]
    left = batch.describe_compute_environments()["computeEnvironments"]
    assert not [one for one in left if one["computeEnvironmentName"].startswith(f"{mine}-")]
    assert project.run("clean").err == ""
