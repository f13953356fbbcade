"""A notebook that was run, as the files that were ordered: .ipynb, .html, .md, .pdf …

The HTML needs no network: nbconvert's page loads MathJax, Mermaid and RequireJS from afar; ours
asks for one of them only where the notebook has something for it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from shutil import which
from typing import Any

from byoa.pipeline.extra import need
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import notebook_file
from byoa.plan.pipeline.notebook_options import EXPORTERS

TEMPLATE = """\
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js_requirejs -%}{%- if resources.asks.require -%}{{ super() }}{%- endif -%}
{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- if resources.asks.maths -%}{{ super() }}{%- endif -%}
{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- if resources.asks.mermaid -%}{{ super() }}{%- endif -%}
{%- endblock -%}
"""
MATHS = re.compile(r"\$[^$\n]+\$|\$\$|\\\(|\\\[|\\begin\{")
REQUIRE = re.compile(r"\brequire(?:js)?\s*(?:\(|\.config)")
MERMAID = re.compile(r"^\s*```\s*mermaid", re.MULTILINE)
#: Programs without which an exporter cannot work.
PROGRAMS = {"latex": ("pandoc",), "rst": ("pandoc",), "asciidoc": ("pandoc",),
            "pdf": ("pandoc", "xelatex")}  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def write(
    notebook: Mapping[str, Any], path: Path, title: str, exporter: str, kwargs: Mapping[str, Any]
) -> None:
    """Writes one product; pictures that a .md or .rst refers to lie in NAME_files beside it."""
    name = exporter or EXPORTERS[path.suffix]
    if name in ("ipynb", "notebook"):
        path.write_text(notebook_file.text(notebook), encoding="utf-8")
        return
    body, resources = convert(notebook, name, path, title, kwargs)
    path.write_bytes(body.encode("utf-8") if isinstance(body, str) else body)
    for inner, data in (resources.get("outputs") or {}).items():
        beside = path.parent / inner
        beside.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(data)


def convert(
    notebook: Mapping[str, Any], name: str, path: Path, title: str, kwargs: Mapping[str, Any]
) -> tuple[Any, Mapping[str, Any]]:
    """What nbconvert makes of it."""
    node = node_of(notebook)
    if (name == "pdf" and not which("xelatex")) or (
        name == "webpdf" and not installed("playwright")
    ):
        return printed(node, title, kwargs), {}
    lacking = [program for program in PROGRAMS.get(name, ()) if which(program) is None]
    if lacking:
        raise ByoaError(
            f"{path.name} needs {' and '.join(lacking)}, which is not here. Install it, or let the"
            " product end in .html or .ipynb."
        )
    resources: dict[str, Any] = {
        "asks": asks(notebook),
        "metadata": {"name": title, "path": ""},
        "output_files_dir": f"{path.stem}_files",
        "unique_key": path.stem,
    }
    made: tuple[Any, Mapping[str, Any]] = exporter_of(name, kwargs).from_notebook_node(
        node, resources=resources
    )
    return made


def node_of(notebook: Mapping[str, Any]) -> Any:
    """nbformat's own kind of dict, in which a name is an attribute, too."""
    return need("nbformat", "A notebook task").from_dict(json.loads(json.dumps(notebook)))


def asks(notebook: Mapping[str, Any]) -> dict[str, bool]:
    """Which of the far scripts its page needs."""
    prose = "\n".join(cell["source"] for cell in notebook["cells"] if cell["cell_type"] != "code")
    shown = [
        (kind, str(data))
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        for kind, data in output.get("data", {}).items()
    ]
    kinds = {kind for kind, _ in shown}
    rich = [data for kind, data in shown if kind in ("text/html", "application/javascript")]
    told = [data for kind, data in shown if kind in ("text/markdown", "text/latex")]
    return {
        "require": any(map(REQUIRE.search, rich)) or any("widget" in kind for kind in kinds),
        "maths": "text/latex" in kinds or any(map(MATHS.search, [prose, *told])),
        "mermaid": bool(MERMAID.search("\n".join([prose, *told]))) or "text/vnd.mermaid" in kinds,
    }


def exporter_of(name: str, kwargs: Mapping[str, Any]) -> Any:
    """An exporter; the one without settings is made once."""
    return html_exporter() if name == "html" and not kwargs else made_exporter(name, kwargs)


@lru_cache(maxsize=1)
def html_exporter() -> Any:
    return made_exporter("html", {})


def made_exporter(name: str, kwargs: Mapping[str, Any]) -> Any:
    """nbconvert's exporter, with nbconvert_export_kwargs: its traits, or `config`."""
    nbconvert = need("nbconvert", f"A {name} product")
    try:
        found = nbconvert.get_exporter(name)
    except nbconvert.exporters.ExporterNameError:
        raise ByoaError(
            f"nbconvert has no exporter {name!r}. It has {', '.join(nbconvert.get_export_names())}."
        ) from None
    settings = dict(kwargs)
    if "config" in settings:
        from traitlets.config import Config

        settings["config"] = Config(settings["config"])
    if name == "html" and not {"template_name", "template_file"} & settings.keys():
        from jinja2 import DictLoader

        settings |= {
            "extra_loaders": [DictLoader({"byoa.html.j2": TEMPLATE})],
            "template_file": "byoa.html.j2",
        }
    return found(**settings)


def installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def printed(node: Any, title: str, kwargs: Mapping[str, Any]) -> bytes:
    """A PDF without LaTeX and playwright: the page, printed by a browser of this machine."""
    import subprocess
    import tempfile

    browser = next(filter(None, map(which, BROWSERS)), None)
    if browser is None:
        raise ByoaError(
            "A .pdf product needs pandoc and xelatex, or a Chromium or Chrome on this machine's"
            " PATH. Install one, or let the product end in .html."
        )
    traits = need("nbconvert", "A .pdf product").HTMLExporter.class_trait_names()
    exporter = exporter_of("html", {k: v for k, v in kwargs.items() if k in (*traits, "config")})
    page, _ = exporter.from_notebook_node(
        node, resources={"asks": asks(node), "metadata": {"name": title, "path": ""}}
    )
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "page.html"), Path(folder, "page.pdf")
        source.write_text(page, encoding="utf-8")
        command = [
            browser, "--headless", "--disable-gpu", f"--user-data-dir={folder}/profile",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "--no-pdf-header-footer", f"--print-to-pdf={made}", source.as_uri(),
        ]  # fmt: skip
        ended = subprocess.run(command, check=False, capture_output=True, timeout=120)
        if not made.is_file():
            told = ended.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise ByoaError(f"{browser} printed no PDF: {' '.join(told)}")
        return made.read_bytes()
