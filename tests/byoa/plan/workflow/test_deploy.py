"""DeployStep and EndpointStep, run by the sandbox's interpreter: all roads to an endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from byoa.plan.workflow.blocks import Catch, Retry
from byoa.plan.workflow.chain import Chain, definition
from byoa.plan.workflow.check import problems
from byoa.plan.workflow.deploy import DeployStep
from byoa.plan.workflow.endpoint import EndpointStep
from byoa.plan.workflow.model import Model
from byoa.plan.workflow.placeholders import ExecutionInput, StepInput
from byoa.plan.workflow.road import Pace
from byoa.plan.workflow.states import Pass, Succeed
from byoa.sandbox.stepfunctions.errors import StateError
from tests.byoa.plan.workflow.fake_sagemaker import SageMaker, run

ROLE = "arn:aws:iam::123456789012:role/jobs"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/cells:1"
DATA = "s3://bucket/out/cells-1/output/model.tar.gz"
LANGUAGES = ("JSONPath", "JSONata")
THERE = {"EndpointConfigName": "old", "fates": ["InService"]}
GIVEN = {"Name": "cells-1", "Data": DATA, "Endpoint": "cells"}


def deployment(language: str = "JSONPath", **more: Any) -> dict[str, Any]:
    """A workflow of one DeployStep; what it deploys is known at run time only."""
    said = StepInput()
    model = Model(IMAGE, said["Data"], ROLE, said["Name"])
    step = DeployStep("Deploy", endpoint_name=said["Endpoint"], model=model, **more)
    made = definition(step, query_language=language)
    assert problems(made) == []
    return made


def deployed(sagemaker: SageMaker, language: str = "JSONPath", redrives: int = 0) -> Any:
    return run(deployment(language), GIVEN, sagemaker, redrives)


def failed(sagemaker: SageMaker, **more: Any) -> StateError:
    with pytest.raises(StateError) as caught:
        run(deployment(**more), GIVEN, sagemaker)
    return caught.value


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_time_it_creates_the_endpoint(language: str):
    sagemaker = SageMaker()
    assert deployed(sagemaker, language) == {
        "Deployed": True,
        "EndpointName": "cells",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/cells",
        "EndpointConfigName": "cells-1",
        "ModelName": "cells-1",
    }
    model, config = sagemaker.models["cells-1"], sagemaker.configs["cells-1"]
    assert model["PrimaryContainer"]["ModelDataUrl"] == DATA
    assert model["Tags"] == config["Tags"] == [{"Key": "byoa:endpoint", "Value": "cells"}]
    assert config["ProductionVariants"][0]["ModelName"] == "cells-1"
    assert "updateEndpoint" not in sagemaker.called


def test_then_it_updates_it():
    sagemaker = SageMaker(endpoints={"cells": dict(THERE)}, fates=["Updating"] * 3 + ["InService"])
    assert deployed(sagemaker)["EndpointConfigName"] == "cells-1"
    assert "createEndpoint" not in sagemaker.called
    request = dict(sagemaker.requests)["updateEndpoint"]
    assert request["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] == 60
    assert sagemaker.endpoints["cells"]["EndpointConfigName"] == "cells-1"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_endpoint_that_fails_is_deleted_with_all_that_was_made(language: str):
    sagemaker = SageMaker(fates=["Creating", ("Failed", "The container did not pass the ping.")])
    error = failed(sagemaker, language=language)
    assert (error.name, error.cause) == (
        "EndpointFailed",
        "The endpoint cells failed: The container did not pass the ping.",
    )
    assert (sagemaker.endpoints, sagemaker.configs, sagemaker.models) == ({}, {}, {})


def test_a_rolled_back_update_leaves_the_endpoint_as_it_was():
    sagemaker = SageMaker(
        endpoints={"cells": dict(THERE)},
        fates=["Updating", "RollingBack", ("InService", "The new fleet was unhealthy.")],
    )
    assert failed(sagemaker).cause == (
        "The endpoint cells serves what it served before; the new model was taken back: "
        "The new fleet was unhealthy."
    )
    assert sagemaker.endpoints["cells"]["EndpointConfigName"] == "old"
    assert (sagemaker.configs, sagemaker.models) == ({}, {})


def test_an_update_that_ruins_the_endpoint_keeps_what_it_needs_to_heal():
    fates = ["Updating", ("Failed", "No capacity, not even to go back.")]
    sagemaker = SageMaker(endpoints={"cells": dict(THERE)}, fates=fates)
    assert failed(sagemaker).cause == (
        "The endpoint cells is Failed: No capacity, not even to go back."
    )
    assert [*sagemaker.endpoints] == ["cells"]
    assert [*sagemaker.configs] == [*sagemaker.models] == ["cells-1"]


def test_an_endpoint_that_had_failed_is_made_anew():
    old = {"EndpointConfigName": "old", "fates": [("Failed", "long ago")]}
    sagemaker = SageMaker(endpoints={"cells": old})
    assert deployed(sagemaker)["Deployed"]
    assert sagemaker.called.index("deleteEndpoint") < sagemaker.called.index("createEndpoint")


@pytest.mark.parametrize("last", ["InService", "gone"])
def test_it_waits_for_what_others_do_to_the_endpoint(last: str):
    busy = {"EndpointConfigName": "old", "fates": ["Updating", "Updating", last]}
    sagemaker = SageMaker(endpoints={"cells": busy})
    assert deployed(sagemaker)["EndpointConfigName"] == "cells-1"


def test_an_endpoint_that_never_settles_is_left_alone():
    busy = {"EndpointConfigName": "old", "fates": ["Updating"]}
    sagemaker = SageMaker(endpoints={"cells": busy})
    error = failed(sagemaker, pace=Pace(pause=30, limit=90))
    assert error.cause == "The endpoint cells is Updating and does not settle."
    assert (sagemaker.configs, sagemaker.models) == ({}, {})
    assert [*sagemaker.endpoints] == ["cells"]


@pytest.mark.parametrize("there", [False, True])
def test_there_is_an_end_to_waiting(there: bool):
    endpoints = {"cells": dict(THERE)} if there else {}
    sagemaker = SageMaker(endpoints=endpoints, fates=["Updating" if there else "Creating"])
    error = failed(sagemaker, pace=Pace(pause=30, limit=90))
    word = "Updating" if there else "Creating"
    assert error.cause == f"The endpoint cells is still {word} after 1 minutes."
    # SageMaker is still at the update, and needs the configuration that it moves to
    left = ["cells-1"] if there else []
    assert [*sagemaker.configs] == [*sagemaker.models] == left
    assert [*sagemaker.endpoints] == (["cells"] if there else [])


@pytest.mark.parametrize("there", [False, True])
def test_a_refusal_is_told_and_leaves_nothing(there: bool):
    verb = "updateEndpoint" if there else "createEndpoint"
    sagemaker = SageMaker(
        endpoints={"cells": dict(THERE)} if there else {},
        errors={verb: ["Your quota is 0 instances."] * 4},
    )
    error = failed(sagemaker)
    assert "Your quota is 0 instances." in error.cause
    assert sagemaker.called.count(verb) == 4, "it was tried again"
    assert (sagemaker.configs, sagemaker.models) == ({}, {})
    assert [*sagemaker.endpoints] == (["cells"] if there else [])


def test_a_configuration_that_is_not_seen_yet_is_asked_for_again():
    sagemaker = SageMaker(errors={"createEndpoint": ["Could not find endpoint configuration"]})
    assert deployed(sagemaker)["Deployed"]


def test_an_answer_that_was_lost_changes_nothing():
    sagemaker = SageMaker(errors={"createEndpoint": ["*Internal failure"]})
    assert deployed(sagemaker)["Deployed"]


class Rival(SageMaker):
    """Somebody else is quicker: just before our call the endpoint is created, or updated."""

    def __call__(self, action: str, given: Any) -> Any:
        if action in {"createEndpoint", "updateEndpoint"} and action not in self.called:
            there = {"EndpointConfigName": "theirs", "fates": ["Updating", "InService"]}
            self.endpoints["cells"] = there
            if action == "updateEndpoint":
                self.errors = {action: ["Cannot update in-progress endpoint"] * 4}
        return super().__call__(action, given)


@pytest.mark.parametrize("there", [False, True])
def test_of_two_executions_at_once_the_second_waits_for_the_first(there: bool):
    sagemaker = Rival(endpoints={"cells": dict(THERE)} if there else {})
    assert deployed(sagemaker)["EndpointConfigName"] == "cells-1"
    assert sagemaker.endpoints["cells"]["EndpointConfigName"] == "cells-1"
    assert sagemaker.called[-3:] == ["updateEndpoint", "describeEndpoint", "describeEndpoint"]


def test_an_endpoint_that_another_execution_made_is_never_deleted():
    sagemaker = Rival(fates=[("Failed", "No ping.")])
    assert "No ping" in failed(sagemaker).cause
    assert [*sagemaker.endpoints] == ["cells"] and "deleteEndpoint" not in sagemaker.called


def test_a_lost_answer_to_an_update_is_not_sent_twice():
    there = {"cells": dict(THERE)}
    sagemaker = SageMaker(endpoints=there, errors={"updateEndpoint": ["*Internal failure"] * 4})
    sagemaker.fates = ["Updating", "InService"]
    assert deployed(sagemaker)["Deployed"]


def test_a_throttled_look_is_taken_again():
    sagemaker = SageMaker(errors={"describeEndpoint": ["Rate exceeded"] * 2})
    assert deployed(sagemaker)["Deployed"]
    sagemaker = SageMaker(errors={"describeEndpoint": ["", "Rate exceeded", "Rate exceeded"]})
    assert deployed(sagemaker)["Deployed"]


def test_who_may_not_look_is_told_so():
    words = "User is not authorized to perform: sagemaker:DescribeEndpoint"
    sagemaker = SageMaker(errors={"describeEndpoint": [words]})
    assert words in failed(sagemaker).cause
    assert (sagemaker.configs, sagemaker.models, sagemaker.endpoints) == ({}, {}, {})


def test_a_deleted_endpoint_is_missed():
    sagemaker = SageMaker(fates=["Creating", "gone"])
    said = "The endpoint cells is gone: somebody deleted it meanwhile."
    assert failed(sagemaker).cause == said
    assert (sagemaker.configs, sagemaker.models) == ({}, {})


def test_an_endpoint_that_cannot_be_deleted_is_told():
    sagemaker = SageMaker(fates=[("Failed", "Bad.")], errors={"deleteEndpoint": ["Denied."] * 4})
    cause = failed(sagemaker).cause
    assert cause.startswith("The endpoint cells failed: Bad. It could not be deleted: Denied.")


def test_a_model_of_somebody_else_is_not_touched():
    sagemaker = SageMaker(models={"cells-1": {"theirs": True}})
    error = failed(sagemaker)
    assert error.cause.startswith("The model cells-1 could not be made: Cannot create already")
    assert sagemaker.models == {"cells-1": {"theirs": True}}
    sagemaker = SageMaker(configs={"cells-1": {"theirs": True}})
    assert "The configuration cells-1 could not be made" in failed(sagemaker).cause
    assert (sagemaker.models, [*sagemaker.configs]) == ({}, ["cells-1"])


def test_a_redriven_execution_takes_what_it_had_made():
    sagemaker = SageMaker(models={"cells-1": {}}, configs={"cells-1": {}})
    assert deployed(sagemaker, redrives=1)["Deployed"]


def test_names_of_states_stay_within_aws_limit():
    model = Model(IMAGE, DATA, ROLE, "cells-1")
    with pytest.raises(Exception, match="give it a shorter name"):
        DeployStep("D" * 70, endpoint_name="cells", model=model)


# EndpointStep


def endpoint(language: str = "JSONPath", names: Any = None, **more: Any) -> dict[str, Any]:
    names = names or ExecutionInput()
    step = EndpointStep("Create Endpoint", names["Endpoint"], names["Name"], **more)
    made = definition(step, query_language=language)
    assert problems(made) == []
    return made


def test_the_first_state_of_an_endpoint_step_is_the_sdks():
    made = endpoint()["States"]["Create Endpoint"]
    assert made == {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createEndpoint",
        "Parameters": {
            "EndpointName.$": "$$.Execution.Input['Endpoint']",
            "EndpointConfigName.$": "$$.Execution.Input['Name']",
        },
        "Next": "Create Endpoint: InService",
    }
    alone = endpoint(wait=False)
    assert alone["States"] == {
        "Create Endpoint": {k: v for k, v in made.items() if k != "Next"} | {"End": True}
    }
    moved = endpoint(wait=False, update=True)["States"]["Create Endpoint"]
    assert moved["Resource"] == "arn:aws:states:::sagemaker:updateEndpoint"


@pytest.mark.parametrize("names", [ExecutionInput(), StepInput()])
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_endpoint_step_waits(language: str, names: Any):
    sagemaker = SageMaker(fates=["Creating", "Creating", "InService"])
    assert run(endpoint(language, names), GIVEN, sagemaker) == {
        "EndpointName": "cells",
        "EndpointConfigName": "cells-1",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/cells",
        "EndpointStatus": "InService",
    }
    assert sagemaker.called.count("describeEndpoint") == 3


@pytest.mark.parametrize("update", [False, True])
def test_an_endpoint_step_fails_with_sagemakers_reason(update: bool):
    fates: list[Any] = [("InService" if update else "Failed", "No ping.")]
    sagemaker = SageMaker(
        fates=fates, configs={"cells-1": {}}, endpoints={"cells": dict(THERE)} if update else {}
    )
    with pytest.raises(StateError, match="No ping"):
        run(endpoint(update=update), GIVEN, sagemaker)
    assert [*sagemaker.endpoints] == (["cells"] if update else [])
    assert [*sagemaker.configs] == ["cells-1"], "another step has made it"


def test_an_endpoint_step_never_deletes_what_it_has_only_moved():
    sagemaker = SageMaker(fates=[("Failed", "No ping.")], endpoints={"cells": dict(THERE)})
    with pytest.raises(StateError, match="No ping"):
        run(endpoint(update=True), GIVEN, sagemaker)
    assert [*sagemaker.endpoints] == ["cells"]


def test_errors_of_an_endpoint_step_can_be_caught():
    step = EndpointStep("Create Endpoint", "cells", "cells-1")
    step.add_retry(Retry(error_equals=["States.Timeout"]))
    step.add_catch(Catch(error_equals=["States.ALL"], next_step=Pass("Tell", result="told")))
    made = definition(Chain([step, Succeed("Done")]))
    assert problems(made) == []
    assert run(made, {}, SageMaker(fates=[("Failed", "No ping.")])) == "told"
    assert run(made, {}, SageMaker(errors={"createEndpoint": ["Denied."]})) == "told"
    assert run(made, {}, SageMaker())["EndpointStatus"] == "InService"


def test_errors_of_a_deployment_can_be_caught():
    model = Model(IMAGE, DATA, ROLE, "cells-1")
    rescue = Catch(error_equals=["EndpointFailed"], next_step=Pass("Tell"))
    step = DeployStep("Deploy", endpoint_name="cells", model=model, catch=rescue)
    found = run(definition(step), {}, SageMaker(fates=[("Failed", "No ping.")]))
    assert found == {"Error": "EndpointFailed", "Cause": "The endpoint cells failed: No ping."}
