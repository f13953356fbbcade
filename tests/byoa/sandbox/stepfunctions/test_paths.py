"""JSONPath and the intrinsic functions, without a sandbox."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.sandbox.stepfunctions import intrinsics, jsonata, paths
from byoa.sandbox.stepfunctions.errors import StateError, matches

#: jsonata-python sets the recursion limit when it is loaded: not in the midst of a test.
importlib.import_module("jsonata")

SHOP = {
    "book": [
        {"title": "A", "price": 8, "tags": ["x"]},
        {"title": "B", "price": 12.5, "sold": True},
        {"title": "C's", "price": 30},
    ],
    "a.b": {"c d": 1},
    "none": None,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def get(path: str, value: Any = SHOP) -> Any:
    return paths.select(paths.parse(path)[1], value)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("$", SHOP),
        ("$.book[0].title", "A"),
        ("$.book[-1]['title']", "C's"),
        ("$['a.b']['c d']", 1),
        ('$["a.b"]["c d"]', 1),
        ("$.none", None),
        ("$.book[*].price", [8, 12.5, 30]),
        ("$.book[0,2].price", [8, 30]),
        ("$.book[1:].title", ["B", "C's"]),
        ("$.book[:-1].price", [8, 12.5]),
        ("$..price", [8, 12.5, 30]),
        ("$..book[0].title", ["A"]),
        ("$.book[?(@.price > 10)].title", ["B", "C's"]),
        ("$.book[?(@.sold)].title", ["B"]),
        ("$.book[?(@.price < 10 && @.title == 'A')].price", [8]),
        ("$.book[?(@.title == 'B' || @.price == 30)].price", [12.5, 30]),
        ("$.book[?(@.sold == true)].price", [12.5]),
        ("$.book[?(@.title == 'C\\'s')].price", [30]),
        ("$.book.*.title", ["A", "B", "C's"]),
        ("$.book[?(@.title == 'a||b')]", []),
        ("$.*.title", []),
        ("$.book[7:9]", []),
    ],
)
def test_what_a_path_selects(path: str, wanted: Any):
    assert get(path) == wanted


@pytest.mark.parametrize("path", ["$.nothing", "$.book[3]", "$.book.title", "$.none.x", "$['x']"])
def test_a_definite_path_that_finds_nothing(path: str):
    with pytest.raises(paths.NoPathError, match="could not be found"):
        get(path)


@pytest.mark.parametrize("path", ["book", "", "$.", "$[", "$.a[", "$..", "$.a b", "$[?(@.a ~ 1)]"])
def test_what_is_no_path(path: str):
    with pytest.raises(paths.NoPathError):
        get(path, {"a": [1]})


@given(st.text(alphabet="$.[]*@?()'\"ab01,:-&|=< \\"))
def test_any_text_is_a_path_or_is_refused(text: str):
    try:
        get("$" + text)
    except paths.NoPathError:
        pass


@given(st.lists(st.text(min_size=1), min_size=1, max_size=3), JSON)
def test_what_is_put_at_a_place_is_found_there(names: list[str], value: Any):
    quoted = [name.replace("\\", "\\\\").replace("'", "\\'") for name in names]
    path = "$" + "".join(f"['{name}']" for name in quoted)
    before = {"kept": 1}
    after = paths.place(path, before, value)
    assert get(path, after) == value and before == {"kept": 1}
    assert names[0] == "kept" or after["kept"] == 1


@pytest.mark.parametrize(
    ("path", "document"), [("$.a[*]", {"a": []}), ("$.a", 5), ("$.a[2]", {"a": [1]}), ("$[0]", {})]
)
def test_where_nothing_can_be_put(path: str, document: Any):
    with pytest.raises(paths.NoPathError):
        paths.place(path, document, 1)


def call(expression: str, value: Any = SHOP) -> Any:
    return intrinsics.evaluate(expression, lambda path: get(path, value))


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        (r"States.Format('{} \'{}\' \{\} \\ {}', $.book[0].title, 2.5, true)",
         "A '2.5' {} \\ true"),
        ("States.StringToJson('\\{\"a\": [1]\\}')", {"a": [1]}),
        ("States.JsonToString($.book[0].tags)", '["x"]'),
        ("States.Array()", []),
        ("States.Array( 'a' , null, $.none,-1.5 )", ["a", None, None, -1.5]),
        ("States.ArrayPartition($.book[*].price, 2)", [[8, 12.5], [30]]),
        ("States.ArrayContains($.book[*].title, 'B')", True),
        ("States.ArrayRange(1, 10, 4)", [1, 5, 9]),
        ("States.ArrayRange(3, 1, -1)", [3, 2, 1]),
        ("States.ArrayGetItem($.book[*].price, 1)", 12.5),
        ("States.ArrayLength($.book)", 3),
        ("States.ArrayUnique(States.Array(1, 1, 'a', 'a', 1))", [1, "a"]),
        ("States.Base64Encode('für')", "ZsO8cg=="),
        ("States.Base64Decode('ZsO8cg==')", "für"),
        ("States.Hash('a', 'SHA-256')",
         "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("States.JsonMerge($['a.b'], $.book[0], false)",
         {"c d": 1, "title": "A", "price": 8, "tags": ["x"]}),
        ("States.MathAdd(2, -5)", -3),
        ("States.StringSplit('a.b+c', '.+')", ["a", "b", "c"]),
        ("States.Format('{}-{}', States.MathAdd(1, 2), States.Hash('a', 'MD5'))",
         "3-0cc175b9c0f1b6a831c399e269772661"),
        ("States.Format('{}', $['a.b']['c d'])", "1"),
    ],
)  # fmt: skip
def test_the_intrinsic_functions(expression: str, wanted: Any):
    assert call(expression) == wanted


def test_the_random_ones():
    assert 1 <= call("States.MathRandom(1, 3)") < 3
    assert call("States.MathRandom(1, 999, 5)") == call("States.MathRandom(1, 999, 5)")
    assert len(call("States.UUID()")) == 36 and call("States.UUID()") != call("States.UUID()")


@pytest.mark.parametrize(
    "expression",
    ["States.Format('{}')", "States.Nothing()", "States.ArrayGetItem($.book, 9)", "States.Array(",
     "States.Array('a') x", "States.Hash('a', 'MD4')", "States.StringToJson('x')", "Format('a')",
     "States.MathAdd(true, 1)", "States.JsonMerge($.book, $.book, false)", "States.Array(1,)",
     "States.ArrayRange(0, 5000, 1)", "States.Base64Decode('%')"],
)  # fmt: skip
def test_what_fails(expression: str):
    with pytest.raises((StateError, paths.NoPathError)):
        call(expression)


@given(st.text(alphabet="States.Fomt'{}\\(), $a1-"))
def test_any_text_is_an_expression_or_is_refused(text: str):
    try:
        call("States.Format(" + text)
    except (StateError, paths.NoPathError):
        pass


@given(JSON)
def test_json_goes_through_jsonata_as_it_is(value: Any):
    bindings = {"states": {"input": value}}
    found = jsonata.fill({"x": ["{% $states.input %}"]}, bindings, "Output")
    assert json.dumps(found["x"][0]) == json.dumps(value)


@pytest.mark.parametrize(
    "expression", ["{% $sum( %}", "{% $eval('1') %}", "{% function($x){$x} %}", "{% $nothing %}"]
)
def test_what_jsonata_refuses(expression: str):
    with pytest.raises(StateError, match=r"States\.QueryEvaluationError"):
        jsonata.evaluate(expression, {}, "Output")


def test_which_errors_a_name_means():
    assert matches("Mine", ["Other", "States.ALL"])
    assert not matches("States.Runtime", ["States.ALL", "States.TaskFailed"])
    assert not matches("States.Timeout", ["States.TaskFailed"])
    assert matches("States.Timeout", ["States.Timeout"]) and matches("E", ["States.TaskFailed"])
