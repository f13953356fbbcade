from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.pipeline.notebook import outputs
from byoa.pipeline.notebook.outputs import Outputs, Text


def streamed(*texts):
    made = Text()
    for text in texts:
        made.add(text)
    return str(made)


@pytest.mark.parametrize(
    "texts, shown",
    [
        (["a\n", "b\n"], "a\nb\n"),
        (["\r 10%", "\r 50%", "\r100%\n", "done\n"], "100%\ndone\n"),
        (["first\n", "a\rb"], "first\nb"),
        (["a\r\nb\r\n"], "a\nb\n"),
        (["a\r", "b"], "b"),
        (["a\r", "\nb"], "a\nb"),
    ],
)
def test_a_carriage_return_begins_the_line_anew(texts, shown):
    assert streamed(*texts) == shown


def test_much_text_loses_its_middle(monkeypatch):
    monkeypatch.setattr(outputs, "MOST_TEXT", 100)
    shown = streamed(*(f"line {n}\n" for n in range(1000)))
    assert shown.startswith("line 0\n") and shown.endswith("line 999\n")
    assert "characters more are in the task's log" in shown and len(shown) < 250


@given(st.lists(st.text(st.sampled_from("ab\r\n"), max_size=8), max_size=8))
def test_pieces_are_shown_as_the_whole_is(texts):
    assert streamed(*texts).rstrip("\r") == streamed("".join(texts)).rstrip("\r")


def cell(outputs, *calls):
    outputs.begin()
    for name, *arguments in calls:
        getattr(outputs, name)(*arguments)
    return outputs.end()


def test_streams_are_joined_until_something_else_is_shown():
    shown = cell(
        Outputs(),
        ("stream", "stdout", "a"),
        ("stream", "stdout", "b"),
        ("stream", "stderr", "c"),
        ("stream", "stdout", "d"),
    )
    assert [(one["name"], one["text"]) for one in shown] == [
        ("stdout", "ab"),
        ("stderr", "c"),
        ("stdout", "d"),
    ]


def test_a_display_is_updated_where_it_stands_also_from_another_cell():
    outputs = Outputs()
    first = cell(outputs, ("display", {"text/plain": "1"}, {}, "x", False))
    second = cell(outputs, ("display", {"text/plain": "2"}, {}, "x", True))
    assert first[0]["data"] == {"text/plain": "2"} and second == []


def test_clear_output_now_and_with_the_next_output():
    outputs = Outputs()
    assert cell(outputs, ("stream", "stdout", "a"), ("clear",)) == []
    waiting = cell(outputs, ("stream", "stdout", "a"), ("clear", True))
    assert waiting[0]["text"] == "a"
    shown = cell(outputs, ("stream", "stdout", "a"), ("clear", True), ("stream", "stdout", "b"))
    assert [one["text"] for one in shown] == ["b"]


def test_what_json_cannot_hold_becomes_text():
    data = {
        "image/png": b"\x89PNG",
        "image/svg+xml": "<svg/>",
        "text/html": b"<b>",
        "application/json": [{"a": {1}}],
        "text/latex": None,
    }
    [shown] = cell(Outputs(), ("result", data, {"image/png": {"width": 3}}, 4))
    assert shown == {
        "output_type": "execute_result",
        "execution_count": 4,
        "metadata": {"image/png": {"width": 3}},
        "data": {
            "image/png": "iVBORw==",
            "image/svg+xml": "<svg/>",
            "text/html": "<b>",
            "application/json": [{"a": "{1}"}],
        },
    }
