"""A gate: a model goes on only if its metric is no worse than that of the model that serves.

gate = GateStep("Gate", metric="validation_segm_map", endpoint_name="cells")
Chain([train, gate, deploy])
"""

from __future__ import annotations

from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.chain import Chain
from byoa.plan.workflow.comparison import UNDER, Gate
from byoa.plan.workflow.expressions import JSONATA
from byoa.plan.workflow.placeholders import StepInput
from byoa.plan.workflow.state import State
from byoa.plan.workflow.states import Choice, Fail, Pass

WORSE = ("stop", "fail")


class Passed(Choice):
    """Goes on as its chain does when the gate has passed, else to `otherwise`."""

    def __init__(self, state_id: str, otherwise: State | Chain) -> None:
        super().__init__(state_id)
        self.otherwise = otherwise

    def inner(self, language: str, query_language: str | None, scope: Any) -> dict[str, Any]:
        """The one rule, in either language."""
        rule: dict[str, Any] = {"Variable": f"$.{UNDER}.Passed", "BooleanEquals": False}
        if language == JSONATA:
            rule = {"Condition": f"{{% $not($states.input.{UNDER}.Passed) %}}"}
        after = {"Default": self.default.state_id} if self.default else {}
        return {"Choices": [{**rule, "Next": self.otherwise.state_id}], **after}

    def successors(self) -> Any:
        """The states after it, either way."""
        yield from super().successors()
        yield self.otherwise


class GateStep(Chain):
    """The gate and the way on: what follows it runs only when the gate has passed.

    A worse model ends the execution well with {"Deployed": false, "Reason": …}; worse="fail" fails
    it with the error WorseModel; `otherwise` is a state of your own. The keywords are Gate's.
    """

    def __init__(
        self,
        state_id: str,
        *,
        worse: str = "stop",
        otherwise: State | Chain | None = None,
        **said: Any,
    ) -> None:
        if worse not in WORSE:
            raise UsageError(f"worse is {worse!r} - take one of {', '.join(WORSE)}")
        self.gate = Gate(state_id, **said)
        self.passed = Passed(f"{state_id}: go on?", otherwise or kept(state_id, worse))
        super().__init__([self.gate, self.passed])

    def output(self) -> StepInput:
        """The gate's input, with its answer under `Gate`."""
        return self.passed.output()

    def add_retry(self, retry: Any) -> None:
        self.gate.add_retry(retry)

    def add_catch(self, catch: Any) -> None:
        self.gate.add_catch(catch)


def kept(step: str, worse: str) -> State:
    """The end of an execution whose model stays on the shelf."""
    name = f"{step}: kept the current model"
    if worse == "fail":
        return Fail(name, error="WorseModel", cause=StepInput()[UNDER]["Reason"])
    return Pass(name, parameters={"Deployed": False, "Reason": StepInput()[UNDER]["Reason"]})
