from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.workflow.tagging import tagged

TAGS = {"byoa:project": "p", "team": "x"}
WANTED = [{"Key": "byoa:project", "Value": "p"}, {"Key": "team", "Value": "x"}]


def task(resource: str, parameters: Any, key: str = "Parameters") -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", key: parameters}


def made_of(state: dict[str, Any], key: str = "Parameters") -> Any:
    made = tagged({"StartAt": "S", "States": {"S": state}}, TAGS)
    return made["States"]["S"].get(key)


def test_what_a_state_makes_carries_the_tags():
    for resource in (
        *(
            "sagemaker:createTrainingJob.sync",
            "sagemaker:createProcessingJob",
            "sagemaker:createModel",
        ),
        *(
            "sagemaker:createEndpoint",
            "sagemaker:createEndpointConfig",
            "aws-sdk:sagemaker:createModel",
        ),
    ):
        assert made_of(task(resource, {"X": 1})) == {"X": 1, "Tags": WANTED}
        assert made_of(task(resource, {"X": 1}, "Arguments"), "Arguments")["Tags"] == WANTED
    assert made_of(task("batch:submitJob.sync", {}))["Tags"] == TAGS


def test_a_tag_of_the_states_own_stays():
    own = [{"Key": "team", "Value": "y"}]
    tags = made_of(task("sagemaker:createModel", {"Tags": own}))["Tags"]
    assert tags == [*own, WANTED[0]]
    assert made_of(task("batch:submitJob", {"Tags": {"team": "y"}}))["Tags"]["team"] == "y"
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert made_of(task("sagemaker:createModel", {"Tags": many}))["Tags"] == many


def test_what_takes_no_tags_or_makes_them_when_it_runs_is_left():
    for state in (
        task("sagemaker:updateEndpoint", {}),
        task("lambda:invoke", {}),
        task("aws-sdk:sagemaker:describeEndpoint", {}),
        task("sagemaker:createModel", {"Tags.$": "$.tags"}),
        task("sagemaker:createModel", "{% $x %}", "Arguments"),
        task("sagemaker:createModel", {"Tags": "{% $tags %}"}, "Arguments"),
        {"Type": "Pass", "Parameters": {}},
    ):
        definition = {"StartAt": "S", "States": {"S": state}}
        assert tagged(definition, TAGS) == definition


def test_states_within_parallel_and_map_are_found_and_the_given_definition_stays():
    inner = {"StartAt": "T", "States": {"T": task("sagemaker:createModel", {"ModelName": "m"})}}
    maps = {
        "M": {"Type": "Map", "ItemProcessor": inner},
        "I": {"Type": "Map", "Iterator": inner},
    }
    parallel = {"Type": "Parallel", "Branches": [inner, {"StartAt": "M", "States": maps}]}
    definition = {"StartAt": "P", "States": {"P": parallel}}
    before = json.dumps(definition)
    assert json.dumps(tagged(definition, TAGS)).count("byoa:project") == 3
    assert json.dumps(definition) == before
    assert tagged(definition, {}) == definition
    assert tagged(tagged(definition, TAGS), TAGS) == tagged(definition, TAGS)


JSON = st.recursive(
    st.none() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["States", "Branches", "Iterator", "Type", "Parameters", "Tags", "Resource"]
            ),
            inner,
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.just("States"), JSON))
def test_anything_is_walked(definition: dict[str, Any]):
    assert isinstance(tagged(definition, TAGS), dict)
