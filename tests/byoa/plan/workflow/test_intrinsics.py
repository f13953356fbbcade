"""The intrinsic functions: how each is written, and that both languages answer the same."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.workflow import intrinsics as i
from byoa.plan.workflow.check import problems
from byoa.plan.workflow.expressions import JSONATA, JSONPATH, jsonata, jsonpath
from byoa.plan.workflow.placeholders import StepInput, context, variable
from byoa.plan.workflow.resolve import resolve
from tests.byoa.plan.workflow.evaluated import both, value_of

X = StepInput()
INPUT = {"list": [3, 1, 3], "text": "a.b-c", "number": 4, "json": '{"a": 1}', "object": {"k": 1}}


@pytest.mark.parametrize(
    ("made", "path", "value"),
    [
        (i.array(1, "x", X["number"]), "States.Array(1, 'x', $['number'])", [1, "x", 4]),
        (i.array(), "States.Array()", []),
        (
            i.array_partition(X["list"], 2),
            "States.ArrayPartition($['list'], 2)",
            [[3, 1], [3]],
        ),
        (i.array_contains(X["list"], 1), "States.ArrayContains($['list'], 1)", True),
        (i.array_contains(X["list"], 2), "States.ArrayContains($['list'], 2)", False),
        (i.array_range(1, 9, 2), "States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
        (i.array_get_item(X["list"], 1), "States.ArrayGetItem($['list'], 1)", 1),
        (i.array_length(X["list"]), "States.ArrayLength($['list'])", 3),
        (i.array_unique(X["list"]), "States.ArrayUnique($['list'])", [3, 1]),
        (i.base64_encode("data"), "States.Base64Encode('data')", "ZGF0YQ=="),
        (i.base64_decode("ZGF0YQ=="), "States.Base64Decode('ZGF0YQ==')", "data"),
        (
            i.hash_(X["text"], "MD5"),
            "States.Hash($['text'], 'MD5')",
            hashlib.md5(b"a.b-c").hexdigest(),
        ),
        (
            i.json_merge(X["object"], {"l": 2}),
            r"""States.JsonMerge($['object'], States.StringToJson('\{"l": 2\}'), false)""",
            {"k": 1, "l": 2},
        ),
        (i.string_to_json(X["json"]), "States.StringToJson($['json'])", {"a": 1}),
        (i.json_to_string(X["list"]), "States.JsonToString($['list'])", "[3,1,3]"),
        (i.math_add(X["number"], -1), "States.MathAdd($['number'], -1)", 3),
        (i.string_split(X["text"], "."), "States.StringSplit($['text'], '.')", ["a", "b-c"]),
        (
            i.string_split(X["text"], ".-"),
            "States.StringSplit($['text'], '.-')",
            ["a", "b", "c"],
        ),
        (
            i.format_("{}-{}: it's \\ {braces}", "a'b", X["number"]),
            r"States.Format('{}-{}: it\'s \\ \{braces\}', 'a\'b', $['number'])",
            "a'b-4: it's \\ {braces}",
        ),
        (
            i.array_get_item(i.string_split(i.format_("{}.z", X["text"]), "."), 2),
            "States.ArrayGetItem(States.StringSplit(States.Format('{}.z', $['text']), '.'), 2)",
            "z",
        ),
        (
            i.format_("{}", context["Execution"]["Name"]),
            "States.Format('{}', $$.Execution.Name)",
            "run-1",
        ),
        (i.math_add(variable("n"), 1), "States.MathAdd($n, 1)", None),
        (f"{X['text']}/{i.hash_('x', 'SHA-1')}", None, "a.b-c/" + hashlib.sha1(b"x").hexdigest()),
    ],
)
def test_each_function_in_both_languages(made, path, value):
    if path is not None:
        assert made.jsonpath() == path
    if value is not None:
        assert both(made, INPUT) == value


def test_chance_is_within_its_bounds_and_a_uuid_is_one():
    for language in (JSONPATH, JSONATA):
        found = {value_of(i.math_random(2, X["number"]), INPUT, language) for _ in range(60)}
        assert found == {2, 3}
        again = [value_of(i.math_random(0, 1000, 7), INPUT, language) for _ in range(2)]
        assert again[0] == again[1]
        assert re.fullmatch(r"[0-9a-f-]{36}", value_of(i.uuid_(), INPUT, language))


def test_there_are_eighteen_and_aws_takes_each():
    makers = [name for name, one in vars(i).items() if getattr(one, "__module__", "") == i.__name__]
    functions = [name for name in makers if not name.startswith("_")]
    assert len(functions) == 18
    calls = [i.array(X), i.array_partition(X, 1), i.array_contains(X, 1), i.array_range(1, 2, 1)]
    calls += [i.array_get_item(X, 0), i.array_length(X), i.array_unique(X), i.base64_encode(X)]
    calls += [i.base64_decode(X), i.hash_(X), i.json_merge(X, X), i.string_to_json(X), i.uuid_()]
    calls += [i.json_to_string(X), i.math_random(1, 2), i.math_add(1, X), i.string_split(X, ",")]
    calls += [i.format_("{}", X)]
    names = {re.match(r"States\.(\w+)", call.jsonpath())[1] for call in calls}  # type: ignore[index]
    assert len(names) == 18
    for language in (JSONPATH, JSONATA):
        key = "Parameters" if language == JSONPATH else "Output"
        made = {"Type": "Pass", key: resolve({"all": [*calls]}, language), "End": True}
        found = problems({"QueryLanguage": language, "StartAt": "a", "States": {"a": made}})
        assert found == []


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_travels_through_a_format(before, inside):
    form = before.replace("{}", "")
    assert both(i.format_(form + "{}", X["t"]), {"t": inside}) == form + inside
    assert both(f"{before}{X['t']}", {"t": inside}) == before + inside


@given(
    st.text(alphabet="a[]/\\^-.{}'\"\n", min_size=1, max_size=4),
    st.text(alphabet="ab[/-.\\", max_size=8),
)
def test_any_separator_separates(separator, text):
    found = both(i.string_split(X["t"], separator), {"t": text})
    assert found == [one for one in re.split(f"[{re.escape(separator)}]", text) if one]


literals = st.recursive(
    st.booleans() | st.integers(-999, 999) | st.text(max_size=6),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=4), below, max_size=3)
    ),
    max_leaves=6,
)


@given(st.lists(literals, min_size=1, max_size=4))
def test_any_literal_travels_through_an_array(items):
    assert both(i.array(*items, X["number"]), INPUT) == [*items, 4]


def test_an_operand_is_put_in_parentheses():
    both_of = i.format_("{}!", jsonata("$states.input.a + 1"))
    assert both_of.jsonata() == '$string(($states.input.a + 1)) & "!"'
    assert value_of(f"{jsonata('1 + 1')}-{jsonata('$sum([1, 2])')}", None, JSONATA) == "2-3"
    with pytest.raises(UsageError, match="cannot be written in JSONPath"):
        resolve({"a": both_of})
    with pytest.raises(UsageError, match="cannot be written in JSONata"):
        resolve({"a": i.hash_(jsonpath("$.x[0:1]"))}, JSONATA)


def test_one_language_is_enough_for_a_function():
    for inside in ([jsonpath("$.x")], {"deep": [jsonpath("$.x")]}, f"a{jsonpath('$.x')}"):
        assert i.array(1).jsonata() == "[1]"
        with pytest.raises(UsageError, match="cannot be written in JSONata"):
            i.array(inside).jsonata()
    objects = i.array({"deep": X["list"]})
    assert value_of(objects, INPUT, JSONATA) == [{"deep": INPUT["list"]}]
    assert i.hash_("{% $states.input.text %}", "MD5").jsonata().startswith("$hash(($states")
    assert value_of(i.hash_("{% 'a' & 'b' %}", "MD5"), INPUT, JSONATA) == (
        hashlib.md5(b"ab").hexdigest()
    )
    with pytest.raises(UsageError, match="cannot be written in JSONPath"):
        i.hash_("{% $x %}").jsonpath()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: i.hash_("x", "SHA-2"), "there is no hash 'SHA-2' - take one of MD5"),
        (lambda: i.format_("{}-{}", 1), "has 2 {} for 1 values"),
        (lambda: i.array({"deep": X["list"]}).jsonpath(), "cannot be written in JSONPath"),
    ],
)
def test_what_cannot_be_is_said(make, said):
    with pytest.raises(UsageError, match=said):
        make()
