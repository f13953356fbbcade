"""Any definition is read back and written the same; what is none is said."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.workflow.chain import Chain
from byoa.plan.workflow.check import problems
from byoa.plan.workflow.read import from_json, read, rule
from byoa.plan.workflow.rules import CompoundRule, Condition, NotRule, RawRule, Rule
from byoa.plan.workflow.states import Choice, Map, Pass, Task
from tests.byoa.plan.workflow.every_state import JSONATA_STATES, JSONPATH_STATES

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda below: (
        st.lists(below, max_size=2) | st.dictionaries(st.text(max_size=4), below, max_size=2)
    ),
    max_leaves=4,
)
texts = st.text(max_size=6)
newer = st.dictionaries(
    st.sampled_from(["Newer", "x_Y", "URLThing", "comment"]), values, max_size=2
)
comparison = st.one_of(
    st.fixed_dictionaries({"Variable": st.just("$.x"), "StringEquals": texts}),
    st.fixed_dictionaries({"Variable": st.just("$.x"), "NumericLessThanPath": st.just("$.y")}),
    st.fixed_dictionaries({"Variable": st.just("$.x"), "IsPresent": st.booleans()}),
    st.fixed_dictionaries({"Variable": st.just("$.x"), "NewerThan": values}),
)
conditions = st.just("{%$states.input.x > 1%}") | st.booleans() | st.just("{% $x %}")
rules = st.recursive(
    comparison,
    lambda below: st.one_of(
        st.fixed_dictionaries({"And": st.lists(below, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"Or": st.lists(below, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"Not": below}),
    ),
    max_leaves=4,
)


def some(**fields):
    """An object of these fields, each of which may be missing."""
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def machines(draw, prefix="", depth=0):
    """A whole definition; names are unique in all of it."""
    names = [f"{prefix}{number}" for number in range(draw(st.integers(1, 4)))]
    made = {
        "StartAt": draw(st.sampled_from(names)),
        "States": {name: draw(states(name, names, depth)) for name in names},
    }
    return made | (draw(some(Comment=texts, TimeoutSeconds=st.integers(1, 9), Later=values)))


@st.composite
def states(draw, name, names, depth):
    kinds = ["Pass", "Task", "Wait", "Choice", "Succeed", "Fail"]
    kind = draw(st.sampled_from(kinds + (["Parallel", "Map"] if depth < 2 else [])))
    made = {"Type": kind} | draw(some(Comment=texts)) | draw(newer)
    others = st.sampled_from(names)
    if kind == "Choice" and draw(st.booleans()):
        made |= {"QueryLanguage": "JSONata", "Output": draw(values)}
        choices = st.builds(lambda said, to: {"Condition": said, "Next": to}, conditions, others)
        return made | {"Choices": draw(st.lists(choices, min_size=1, max_size=3))}
    if kind == "Choice":
        choices = st.builds(
            lambda rule, to, more: {**rule, "Next": to, **more}, rules, others, assigned
        )
        return (
            made
            | {"Choices": draw(st.lists(choices, min_size=1, max_size=3))}
            | draw(some(Default=others))
        )
    if kind == "Fail":
        return made | draw(some(Error=texts, CausePath=st.just("$.Cause")))
    made |= draw(some(InputPath=st.just("$.a") | st.none(), OutputPath=st.just("$.b") | st.none()))
    if kind == "Succeed":
        return made
    made |= draw(st.just({"End": True}) | others.map(lambda to: {"Next": to})) | draw(assigned)
    if kind == "Wait":
        return made | draw(
            st.sampled_from([{"Seconds": 1}, {"SecondsPath": "$.s"}, {"Timestamp": "t"}])
        )
    made |= draw(
        some(
            Parameters=st.dictionaries(texts, values, max_size=2),
            ResultPath=st.none() | st.just("$.r"),
        )
    )
    if kind == "Pass":
        return made | draw(some(Result=values.filter(lambda one: one is not None)))
    made |= draw(some(Retry=st.lists(retries, max_size=2)))
    made |= draw(
        some(
            Catch=st.lists(
                st.builds(lambda one, to: {**one, "Next": to}, caught, others), max_size=2
            )
        )
    )
    if kind == "Task":
        return (
            made
            | {"Resource": "arn:aws:states:::lambda:invoke"}
            | draw(some(TimeoutSeconds=st.integers(1, 9)))
        )
    inner = draw(machines(prefix=f"{name}.", depth=depth + 1))
    if kind == "Parallel":
        return made | {"Branches": [inner]}
    config = (
        {}
        if draw(st.booleans())
        else {"ProcessorConfig": draw(some(Mode=st.just("INLINE"), New=values))}
    )
    key = draw(st.sampled_from(["ItemProcessor", "Iterator"]))
    return made | {key: inner | config, "ItemsPath": "$.rows"}


assigned = some(Assign=st.dictionaries(texts, values, max_size=2))
errors = st.lists(st.sampled_from(["States.ALL", "X"]), min_size=1, max_size=2)
retries = st.builds(
    lambda base, more: base | more,
    st.fixed_dictionaries({"ErrorEquals": errors}, optional={"MaxAttempts": st.integers(0, 3)}),
    newer.map(lambda made: {key: one for key, one in made.items() if one is not None}),
)
caught = st.fixed_dictionaries(
    {"ErrorEquals": errors}, optional={"ResultPath": st.none() | st.just("$.e")}
)


@settings(max_examples=60, deadline=None)
@given(machines())
def test_what_was_read_is_written_the_same(made):
    before = copy.deepcopy(made)
    graph = read(made)
    assert graph.to_dict() == before == made
    assert from_json(json.dumps(made)).to_dict() == before
    assert set(graph.states) == set(made["States"])


@pytest.mark.parametrize(("state", "made"), JSONPATH_STATES + JSONATA_STATES)
def test_all_that_the_builders_make_is_read(state, made):
    language = "JSONata" if (state, made) in JSONATA_STATES else None
    whole = {"StartAt": "a", "States": {"a": made, "b": {"Type": "Fail"}}}
    if language:
        whole["QueryLanguage"] = language
    assert read(whole).to_dict() == whole


@given(values)
def test_whatever_is_read_is_read_or_refused_in_a_sentence(made):
    for whole in (made, {"StartAt": "a", "States": {"a": made}}, {"StartAt": "a", "States": made}):
        try:
            read(whole)
        except UsageError as error:
            assert " - " in str(error)


FIELDS = (
    "Next End Choices Default Retry Catch Branches ItemProcessor Iterator Seconds Timestamp Items"
)
junk = st.dictionaries(st.sampled_from([*FIELDS.split(), "Parameters", "QueryLanguage"]), values)


@given(
    st.sampled_from(["Pass", "Task", "Wait", "Choice", "Succeed", "Fail", "Parallel", "Map"]), junk
)
def test_a_state_of_whatever_fields_too(kind, fields):
    try:
        read({"StartAt": "a", "States": {"a": {"Type": kind, **fields}}}).to_dict()
    except UsageError as error:
        assert "'a'" in str(error)


SEED = {
    "StartAt": "a",
    "States": {
        "a": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "f", "Payload.$": "$"},
            "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}],
            "Next": "good?",
        },
        "good?": {
            "Type": "Choice",
            "Choices": [
                {
                    "And": [
                        {"Variable": "$.x", "IsPresent": True},
                        {"Variable": "$.x", "NumericGreaterThan": 1},
                    ],
                    "Next": "each",
                }
            ],
            "Default": "end",
        },
        "each": {
            "Type": "Map",
            "Iterator": {"StartAt": "b", "States": {"b": {"Type": "Pass", "End": True}}},
            "Next": "end",
        },
        "end": {"Type": "Succeed"},
    },
}


def test_what_was_read_can_be_edited():
    graph = from_json(json.dumps(SEED))
    first, choice, each = graph.states["a"], graph.states["good?"], graph.states["each"]
    assert isinstance(first, Task) and isinstance(choice, Choice) and isinstance(each, Map)
    both = choice.choices[0][0]
    assert isinstance(both, CompoundRule) and isinstance(both.rules[1], Rule)
    first.set(timeout_seconds=60)
    first.retries[0].set(max_attempts=5)
    both.rules[1].value = 2
    graph.states["end"].set(comment="the end")
    each.next(Chain([Pass("new"), graph.states["end"]]))
    made = graph.to_dict()
    assert problems(made) == []
    assert made["States"]["a"]["TimeoutSeconds"] == 60
    assert made["States"]["a"]["Retry"] == [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 5}]
    assert made["States"]["good?"]["Choices"][0]["And"][1]["NumericGreaterThan"] == 2
    assert made["States"]["each"]["Next"] == "new" and made["States"]["new"]["Next"] == "end"


def test_rules_are_read_as_what_they_are():
    there = {"Variable": "$.x", "IsNull": True}
    found = [rule(one) for one in ({"Not": there}, {"Or": [there]}, {"Condition": True}, there)]
    assert [type(one) for one in found] == [NotRule, CompoundRule, Condition, Rule]
    for other in ({"Variable": "$.x", "NewerThan": 1}, {**there, "IsString": True}, {}, {"": 1}):
        assert isinstance(rule(other), RawRule) and rule(other).to_dict() == other


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("{", "the definition is no JSON"),
        ("[]", "it must be an object"),
        ('{"StartAt": "a"}', "the definition has no States"),
        ({"StartAt": "b"}, "StartAt is 'b', but the states are a, good"),
        (
            {"States": {"a": {"Type": "Tusk"}}},
            "the state 'a' has the Type 'Tusk' - take one of Pass",
        ),
        ({"States": {"a": {"Type": "Pass"}}}, "'a' must have either Next or End: true"),
        (
            {"States": {"a": {"Type": "Pass", "Next": "x"}}},
            "the state 'a' goes on to 'x', but the states beside it are a - name one",
        ),
        (
            {"States": {"a": {"Type": "Task", "End": True, "Catch": [{"ErrorEquals": []}]}}},
            "the state 'a' goes on to None",
        ),
        (
            {
                "States": {
                    "a": {
                        "Type": "Choice",
                        "Choices": [{"Variable": "x", "IsNull": True, "Next": "a"}],
                    }
                }
            },
            "in the state 'a': IsNull compares 'x', which is no path",
        ),
        (
            {"States": {"a": {"Type": "Parallel", "End": True, "Branches": [{"StartAt": "x"}]}}},
            "in the state 'a': the definition has no States",
        ),
        ({"States": {"a": {"Type": "Map", "End": True}}}, "the Map state 'a' has no ItemProcessor"),
        (
            {"States": {"a": {"Type": "Task", "End": True, "Retry": "x"}}},
            "the state 'a' has Retry that are no list of objects",
        ),
    ],
)
def test_what_is_no_definition_is_said(made, said):
    text = made if isinstance(made, str) else json.dumps(SEED | made)
    with pytest.raises(UsageError, match=said):
        from_json(text)
