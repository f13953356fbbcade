from __future__ import annotations

import os
import re
import shutil
import zlib
from pathlib import Path

import pytest

from byoa.pipeline.notebook import export
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import notebook_file
from byoa.plan.pipeline.notebook_source import read

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="


def made(prose="# A title", **data):
    notebook = notebook_file.of(read(f"# %% [markdown]\n# {prose}\n\n# %%\n1 + 1\n", ".py"))
    bundle = {kind.replace("_", "/"): value for kind, value in data.items()}
    shown = {"output_type": "display_data", "metadata": {}, "data": bundle}
    notebook["cells"][1]["outputs"] = [shown] if data else []
    return notebook


def written(tmp_path: Path, name, notebook, exporter="", **kwargs):
    export.write(notebook, tmp_path / name, "a task", exporter, kwargs)
    return (tmp_path / name).read_bytes()


def far(page):
    """What a page loads from elsewhere."""
    return re.findall(rb"""(?:src=|import\()["'](https?:[^"']+)""", page)


@pytest.mark.parametrize(
    "notebook, loads",
    [
        (made(), []),
        (made("costs 5$"), []),
        (made(text_html="it requires (nothing) and is required"), []),
        (made("$x^2$"), [b"mathjax"]),
        (made(text_latex="$x$"), [b"mathjax"]),
        (made(text_html="<script>require(['x'])</script>"), [b"require"]),
        (made("```mermaid"), [b"mermaid"]),
    ],
)
def test_a_page_loads_nothing_that_it_has_no_use_for(tmp_path, notebook, loads):
    page = written(tmp_path, "a.html", notebook)
    assert len(far(page)) == len(loads), far(page)
    assert all(word in address for word, address in zip(loads, far(page), strict=True))
    assert b"<title>a task</title>" in page and b'class="highlight' in page


def test_a_title_is_a_strangers_text(tmp_path):
    export.write(made(), tmp_path / "a.html", "<script>x</script>", "", {})
    assert b"<title><script>" not in (tmp_path / "a.html").read_bytes()


def test_pictures_lie_beside_a_markdown_report(tmp_path):
    text = written(tmp_path, "a.md", made(image_png=PNG)).decode()
    [inner] = re.findall(r"!\[png\]\((.*?)\)", text)
    assert inner.startswith("a_files/") and (tmp_path / inner).read_bytes().startswith(b"\x89PNG")


def test_export_options_are_nbconverts(tmp_path):
    page = written(tmp_path, "a.html", made(), exclude_input=True)
    assert b"<code>1</code>" not in page and b'class="highlight' not in page
    assert far(page) == []
    config = {
        "TagRemovePreprocessor": {"remove_cell_tags": ["x"], "enabled": True},
        "HTMLExporter": {"preprocessors": ["nbconvert.preprocessors.TagRemovePreprocessor"]},
    }
    notebook = made()
    notebook["cells"][1]["metadata"]["tags"] = ["x"]
    page = written(tmp_path, "b.html", notebook, config=config)
    assert b'class="highlight' not in page and b"A title" in page


def test_other_exporters_by_their_names(tmp_path):
    assert b"reveal" in written(tmp_path, "a.html", made(), "slides")
    assert b"1 + 1" in written(tmp_path, "a.txt", made(), "python")
    with pytest.raises(ByoaError, match=r"no exporter 'odd'. It has .*html"):
        written(tmp_path, "a.html", made(), "odd")


def test_a_format_whose_programs_are_missing_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ByoaError, match=r"a.rst needs pandoc, which is not here"):
        written(tmp_path, "a.rst", made())
    with pytest.raises(ByoaError, match="needs pandoc and xelatex, or a Chromium"):
        written(tmp_path, "a.pdf", made())


@pytest.mark.browser
@pytest.mark.skipif(
    not os.environ.get("CI") and not any(map(shutil.which, export.BROWSERS)),
    reason="no browser here; CI has one",
)
@pytest.mark.parametrize("exporter", ["", "webpdf"])
def test_a_pdf_without_latex_is_printed_by_a_browser(tmp_path, exporter):
    kwargs = {"exclude_input": True, "allow_chromium_download": True}
    data = written(tmp_path, "a.pdf", made("Some words"), exporter, **kwargs)
    assert data.startswith(b"%PDF") and b"/Font" in data
    streams = re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL)
    assert any(b"BT" in inflated(stream) for stream in streams)  # text, not a picture of it


def inflated(stream):
    try:
        return zlib.decompressobj().decompress(stream)
    except zlib.error:
        return b""


def test_the_ipynb_is_valid_nbformat(tmp_path):
    import nbformat

    written(tmp_path, "a.ipynb", made(image_png=PNG))
    nbformat.validate(nbformat.read(tmp_path / "a.ipynb", as_version=4))
