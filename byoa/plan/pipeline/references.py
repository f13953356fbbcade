"""Which other templates an SQL template names: what they hold decides the result, too."""

from __future__ import annotations

import re

#: What Ploomber fills in at run time in dumps: `[[upstream["x"]]]`; other [[ ]] are SQL's arrays.
RUNTIME = re.compile(r"\[\[(?:(?!\]\]).)*?\b(?:upstream|get_key)\b.*?\]\](?!\])", re.DOTALL)
#: Enough to ask Jinja at all: a template that names no other is never parsed.
NAMES = re.compile(r"\{%[-+]?\s*(?:import|from|include|extends)\b")


def references(text: str) -> list[str]:
    """The names of the templates that a text imports, includes or extends, sorted.

    A name that is worked out at run time is "*": any template may be meant.
    """
    if not NAMES.search(text):
        return []
    from jinja2 import Environment, TemplateSyntaxError, meta

    try:
        found = set(meta.find_referenced_templates(Environment().parse(re.sub(RAISE, "", text))))
    except TemplateSyntaxError:
        return []  # rendering says what is wrong with it
    return sorted("*" if name is None else name for name in found)


#: `{% raise … %}` is an extension of ours: Jinja alone does not know it.
RAISE = re.compile(r"\{%[-+]?\s*raise\b.*?%\}", re.DOTALL)
