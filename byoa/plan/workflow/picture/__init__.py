"""A state machine drawn: as Mermaid's text, as SVG, as a page; coloured by an execution."""

from __future__ import annotations

from byoa.plan.workflow.picture.mermaid import mermaid
from byoa.plan.workflow.picture.page import html
from byoa.plan.workflow.picture.svg import svg

__all__ = ["html", "mermaid", "svg"]
