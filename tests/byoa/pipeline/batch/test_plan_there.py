"""`byoa pipeline plan --on batch`: by the records in S3, with the most that it can use."""

from __future__ import annotations

from tests.byoa.pipeline.batch.conftest import Project


def test_by_what_lies_in_s3_and_with_its_bound(project: Project):
    said = project.run("plan", "--on", "batch")
    assert said.code == 0
    assert said.out.endswith("4 run\nno bound: a task without a time-out may run for ever\n")
    project.change("soopervisor.yaml", "vcpus: 1}", "vcpus: 1}\n  timeout: 3600\n  attempts: 2")
    said = project.run("plan", "--on", "batch")
    assert said.out.endswith("at most 8 vCPU h, 0.5 GB h: every attempt to its time-out\n")
    assert project.submit("--until", "get").code == 0
    said = project.run("plan", "--on", "batch")
    assert "3 run, 1 up to date\nat most 6 vCPU h" in said.out
    assert project.run("plan").out.endswith("4 run\n"), "here nothing was made"
