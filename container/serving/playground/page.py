"""The playground as one self-contained HTML file, and the policy that keeps it so.

The page needs no network but the server that it came from: style and script are inside it, and its
Content-Security-Policy allows these two texts by their hashes and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
#: In the order in which the browser reads them: what is used comes first.
SCRIPTS = (
    "masks", "answer", "request", "paint", "table",
    "save", "sources", "view", "words", "playground",
)  # fmt: skip

POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@dataclass(frozen=True, slots=True)
class Page:
    """What `GET /` answers."""

    body: bytes
    headers: dict[str, str]


def build() -> Page:
    """The page, made of its sources: milliseconds, once at the start."""
    script = "".join(_read(f"{name}.js") for name in SCRIPTS)
    style = _read("style.css")
    html = _read("page.html").replace("/* style */", style).replace("/* script */", script)
    return Page(html.encode(), _headers(POLICY.format(script=_hash(script), style=_hash(style))))


def _headers(policy: str) -> dict[str, str]:
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",  # the next image on this port may bring another page
    }


def _read(name: str) -> str:
    """A source, with the line ends that browsers hash: a checkout may have Windows' ones."""
    return (FOLDER / name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
