"""Pictures: all of it is there, nothing of it is code, and nothing lies on another thing."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byoa.plan.workflow.history import StateProgress
from byoa.plan.workflow.picture import html, mermaid, svg, words
from byoa.plan.workflow.picture.layers import layered
from byoa.plan.workflow.picture.layout import LABEL, STATE, Box, Layout, layout
from byoa.plan.workflow.walk import every_state
from tests.byoa.plan.workflow.asl import JSONATA, JSONPATH, MACHINES

SVG = "{http://www.w3.org/2000/svg}"
EVIL = [
    "<script>alert(1)</script>",
    "a\"b'c`d",
    "]]>&amp;--><",
    "é 猫 🙂 \u202e",
    "end",
    "#quot;",
    "\x00\ud800",
]
STATUSES = ["waiting", "running", "succeeded", "failed", "caught", "aborted", "timed out"]


def named(*names: str) -> dict[str, Any]:
    """States in a row, with these names."""
    states = {
        name: {"Type": "Pass", **({"Next": after} if after else {"End": True})}
        for name, after in zip(names, [*names[1:], ""])
    }
    return {"StartAt": names[0], "States": states}


def texts(drawn: str, kind: str = "") -> list[str]:
    found = ET.fromstring(drawn).iter(f"{SVG}text")
    return [one.text or "" for one in found if not kind or one.get("class") == kind]


def all_boxes(drawn: Layout, x: float = 0, y: float = 0) -> list[tuple[Box, float, float]]:
    return [(box, x + box.x, y + box.y) for box in drawn.boxes]


@pytest.mark.parametrize("definition", [JSONPATH, JSONATA])
def test_every_state_is_drawn(definition: dict[str, Any]):
    drawn, text, page = svg(definition), mermaid(definition), html(definition, {})
    for place in every_state(definition):
        assert place.name in " ".join(texts(drawn, "name"))
        assert f'"{place.name.replace("?", "#63;")}<br/>' in text
        assert place.name in page


def test_ways_say_why():
    said = texts(svg(JSONPATH), "label")
    assert "otherwise" in said
    assert "$.job.x is there and not" in said and "$.job.x < 0.5" in said
    assert '|"otherwise"|' in mermaid(JSONPATH)
    assert 'class="way catch"' in svg(JSONPATH) and "stroke-dasharray" in svg(JSONPATH)
    assert "-.->" in mermaid(JSONPATH)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"Variable": "$.x", "NumericGreaterThanEquals": 0.5}, "$.x ≥ 0.5"),
        ({"Variable": "$.x", "StringEquals": "a"}, '$.x = "a"'),
        ({"Variable": "$.x", "NumericLessThanPath": "$.y"}, "$.x < $.y"),
        ({"Variable": "$.x", "BooleanEquals": True}, "$.x = true"),
        ({"Variable": "$.x", "StringMatches": "a*"}, '$.x is like "a*"'),
        ({"Variable": "$.x", "IsPresent": False}, "$.x is not there"),
        ({"Variable": "$.x", "IsNumeric": True}, "$.x is a number"),
        ({"Not": {"Variable": "$.x", "IsNull": True}}, "not $.x is null"),
        (
            {
                "Or": [
                    {"Variable": "$.x", "IsNull": True},
                    {"And": [{"Variable": "$.y", "StringEquals": "b"}]},
                ]
            },
            '$.x is null or ($.y = "b")',
        ),
        ({"Condition": "{% $x > 1 %}"}, "$x > 1"),
        ({"Condition": True}, "True"),
        ({}, "?"),
        (7, "?"),
    ],
)
def test_rules_in_words(rule: Any, said: str):
    assert words.rule(rule) == said


def test_an_executions_colours():
    now = StateProgress(
        "failed", seconds=75, retries=2, runs=3, error="Boom", cause="out of memory"
    )
    drawn = svg(JSONPATH, {"Train": now, "Begin": "succeeded"})
    states = {
        one.findtext(f"{SVG}title", "").split(" — ")[0]: one.get("class")
        for one in ET.fromstring(drawn).iter(f"{SVG}g")
        if (one.get("class") or "").startswith("state ")
    }
    assert states["Train"] == "state failed Task" and states["Begin"] == "state succeeded Pass"
    assert states["Rest"] == "state waiting Wait"
    assert "✗ failed · 1 m 15 s · 2 retries · 3 times" in texts(drawn)
    assert "Boom: out of memory" in drawn
    for status in STATUSES:
        one = mermaid(named("A"), {"A": status})
        assert f":::{status.replace(' ', '-')}" in one
        assert f"classDef {status.replace(' ', '-')} fill:#" in one
        assert f'class="state {status.replace(" ", "-")} Pass"' in svg(named("A"), {"A": status})


@pytest.mark.parametrize("name", EVIL)
def test_names_are_text_and_nothing_else(name: str):
    definition = named(name, f"{name} 2")
    drawn = svg(definition, {name: "failed"}, title=name, notes={name: name})
    ET.fromstring(drawn.encode("utf-8"))
    assert "<script" not in drawn
    page = html(
        definition, {name: "running"}, title=name, subtitle=name, note=name, notes={name: name}
    )
    assert "<script" not in page.lower()
    body = mermaid(definition, {name: "failed"})
    for line in body.splitlines()[1:3]:
        assert re.fullmatch(r' +s\d\["[^"<>`]*(<br/>[^"<>`]*)*"\]:::\w+', line), line


def boxed(prefix: str = "Deploy: ") -> dict[str, Any]:
    """A step that is made of two states."""
    inner = named(f"{prefix}look", f"{prefix}wait")
    return {
        "StartAt": "Deploy",
        "States": {"Deploy": {"Type": "Parallel", "Branches": [inner], "End": True}},
    }


def test_a_step_made_of_states_is_one_box_until_it_is_opened():
    for draw in (svg, mermaid):
        assert "2 states inside" in draw(boxed()) and "Deploy: look" not in draw(boxed())
        assert "Deploy: look" in draw(boxed(), opened=True)
        assert "A: look" in draw(boxed("A: ")), "what is not called after it is drawn"
    page = html(boxed(), {})
    assert page.count("<svg") == 2 and 'href="#all"' in page and 'id="all"' in page
    assert html(boxed("A: "), {}).count("<svg") == 1


def test_a_closed_box_tells_what_goes_on_within():
    for status, said in (
        ("running", "▶ running"),
        ("failed", "✗ failed"),
        ("timed out", "◔ timed out"),
    ):
        now = {"Deploy": "running", "Deploy: look": "succeeded", "Deploy: wait": status}
        assert any(one.startswith(f"wait: {said}") for one in texts(svg(boxed(), now), "told"))
        assert "wait: " in mermaid(boxed(), now)
    first = {"Deploy": "failed", "Deploy: look": "failed", "Deploy: wait": "aborted"}
    assert "look: ✗ failed" in texts(svg(boxed(), first), "told")
    done = {"Deploy": "succeeded", "Deploy: look": "failed"}
    assert "look: " not in svg(boxed(), done)


class Tags(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_a_page_is_whole_by_itself():
    page = html(JSONPATH, {"Train": "running"}, title="cells", refresh=5)
    found = Tags()
    found.feed(page)
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form"}
    for _, attributes in found.tags:
        assert not attributes.keys() & {"src", "onload", "onclick"}
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in page and "@import" not in page
    assert '<meta http-equiv="refresh" content="5">' in page
    assert 'http-equiv="refresh"' not in html(JSONPATH, {})
    assert "default-src 'none'" in page and "prefers-color-scheme:dark" in page


def test_the_table_tells_what_has_begun():
    page = html(JSONPATH, {"Train": StateProgress("failed", seconds=3, error="Boom", cause="why")})
    assert page.count("<tr><td>") == 1
    assert "Boom: why" in page and "<td>3.0 s</td>" in page
    assert "<table" not in html(JSONPATH)


def test_the_reason_is_dug_out_of_the_cause():
    cause = (
        '{"TrainingJobName": "t-1", "TrainingJobStatus": "Failed", "FailureReason": "no memory"}'
    )
    now = {"Train": StateProgress("failed", error="States.TaskFailed", cause=cause)}
    for drawn in (svg(JSONPATH, now), html(JSONPATH, now)):
        assert "t-1: no memory" in drawn and "FailureReason" not in drawn


def overlaps(drawn: Layout) -> list[tuple[str, str]]:
    found = []
    solid = [box for box in drawn.boxes if box.sort in (STATE, LABEL)]
    for number, one in enumerate(solid):
        for other in solid[number + 1 :]:
            beside = one.x + one.width <= other.x + 0.1 or other.x + other.width <= one.x + 0.1
            apart = one.y + one.height <= other.y + 0.1 or other.y + other.height <= one.y + 0.1
            if not beside and not apart:
                found.append((one.name or one.full, other.name or other.full))
    return found + [pair for box in drawn.boxes for inner in box.within for pair in overlaps(inner)]


def inside(drawn: Layout) -> bool:
    """Whether everything lies within its frame."""
    for box in drawn.boxes:
        if (
            box.x < -0.1
            or box.x + box.width > drawn.width + 0.1
            or box.y + box.height > drawn.height + 0.1
        ):
            return False
        if any(not inside(one) or one.width > box.width for one in box.within):
            return False
    return True


@given(MACHINES)
@settings(max_examples=100, deadline=None)
def test_any_definition_can_be_drawn(definition: dict[str, Any]):
    drawn = layout(definition)
    assert overlaps(drawn) == []
    assert inside(drawn)
    ET.fromstring(svg(definition, {"A": "failed"}).encode("utf-8"))
    assert html(definition, {"A": "running"}).endswith("</html>\n")
    assert mermaid(definition, {"A": "caught"}).startswith("flowchart TD\n")


EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20)


@given(EDGES)
@settings(max_examples=200, deadline=None)
def test_every_way_leads_down_but_the_turned_ones(edges: list[tuple[int, int]]):
    made = layered(8, edges)
    ranks = {box: rank for rank, row in enumerate(made.layers) for box in row}
    assert len(ranks) == sum(len(row) for row in made.layers)
    for (source, target), chain, turned in zip(edges, made.chains, made.turned):
        top, bottom = (target, source) if turned else (source, target)
        assert (chain[0], chain[-1]) == (top, bottom)
        assert [ranks[box] for box in chain] == list(range(ranks[top], ranks[bottom] + 1))


def test_a_large_machine_is_drawn_at_once():
    states: dict[str, Any] = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(300)}
    states["S300"] = {"Type": "Succeed"}
    for number in range(0, 290, 7):
        states[f"S{number}"] = {
            "Type": "Choice",
            "Choices": [{"Variable": "$.x", "IsNull": True, "Next": f"S{number + 9}"}],
            "Default": f"S{number + 1}",
        }
    assert len(texts(svg({"StartAt": "S0", "States": states}), "name")) == 301


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("short", ["short"]),
        ("two words that are long", ["two words", "that are long"]),
        ("x" * 60, ["x" * 13, "x" * 12 + "…"]),
        ("", [""]),
    ],
)
def test_texts_are_fitted(text: str, rows: list[str]):
    assert words.lines(text, 100, 2, 13) == rows


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (59.9, "60 s"),
        (61, "1 m 01 s"),
        (7261, "2 h 01 m"),
    ],
)
def test_durations(seconds: float, said: str):
    assert words.duration(seconds) == said
