"""The page of a run on AWS."""

from __future__ import annotations

from tests.byoa.pipeline.batch.conftest import Project


def test_the_page_of_a_run(project: Project):
    project.change("tasks.py", "BAD = None", "BAD = 2")
    assert project.submit().code == 1
    page = project.folder / "away.html"
    said = project.run("report", "-o", "away.html")
    assert (said.code, said.out) == (0, "away.html\n"), said.err
    text = page.read_text()
    for words in (
        "ValueError: 2 is no good", "fitting 2", "1 task that needs it did not run",
        'id="t-get" data-s="done"', 'id="t-fit-1" data-s="done"', 'id="t-fit-2" data-s="failed"',
        'id="t-best" data-s="skipped"', "byoa pipeline submit --on batch --sandbox",
    ):  # fmt: skip
        assert words in text, words
    assert 'aria-label="when each task ran"' in text, "the service says when each began"
    assert "never built" not in text and 'href="output' not in text
    assert project.run("download").code == 0
    assert project.run("report", "-o", "away.html").code == 0
    assert 'href="output/get.txt"' in page.read_text(), "what was brought here is linked"
    assert project.run("report", "--run", "1999").code == 1
