"""One state that holds several: a Parallel with one branch, whose inside speaks JSONata.

A box is named, retried, caught and drawn as one state, in a workflow of either language; its
inside has the arithmetic and the variables that JSONPath lacks, and fails with its own cause.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.expressions import JSONATA, at_run_time
from byoa.plan.workflow.resolve import resolve
from byoa.plan.workflow.states import Parallel

if TYPE_CHECKING:
    from byoa.plan.workflow.chain import Scope

#: AWS's limit of a state's name.
LONGEST = 80


class Box(Parallel):
    """`given` goes in, `result` names the fields that come out: alone, or `under` a name.

    Without `result` all comes out.
    """

    def __init__(
        self,
        state_id: str,
        *,
        given: Mapping[str, Any],
        states: Mapping[str, Mapping[str, Any]],
        result: tuple[str, ...] = (),
        under: str | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(state_id, **fields)
        self.given, self.result, self.under = dict(given), result, under
        inside = {name: {**state, "QueryLanguage": JSONATA} for name, state in states.items()}
        self.add_branch({"StartAt": next(iter(inside)), "States": inside})
        for name in states:
            if len(name) > LONGEST:
                raise UsageError(
                    f"{self.label} makes the state {name!r} of {len(name)} characters, and Step "
                    f"Functions takes {LONGEST} - give it a shorter name"
                )

    def to_dict(
        self, query_language: str | None = None, scope: Scope | None = None
    ) -> dict[str, Any]:
        """The Parallel: what goes in, the branch, and its one output taken out of the list."""
        language = self.language(query_language)
        made = super().to_dict(query_language, scope)
        if language == JSONATA:
            one = "$states.result[0]"
            if self.under:
                one = f"$merge([$states.input, {{'{self.under}': {one}}}])"
            return {"Arguments": resolve(self.given, JSONATA), "Output": f"{{% {one} %}}", **made}
        fields = {f"{name}.$": f"$[0].{name}" for name in self.result}
        out: dict[str, Any] = {"ResultSelector": fields} if fields else {"OutputPath": "$[0]"}
        if self.under:
            out["ResultPath"] = f"$.{self.under}"
        return {"Parameters": resolve(self.given), **out, **made}


class Lifted:
    """Requests whose values of the run come in from outside the box, as $byoa_given.NAME."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}

    def __call__(self, value: Any, name: str = "Value") -> Any:
        """The same value for the inside, as JSONata texts."""
        if at_run_time(value):
            return f"{{% $byoa_given.{self._name(value, name)} %}}"
        if isinstance(value, Mapping):
            return {key: self(item, str(key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self(item, name) for item in value]
        return value

    def _name(self, value: Any, name: str) -> str:
        for known, other in self.given.items():
            if other == value:
                return known
        name = re.sub(r"\W", "_", name)
        free = next(f"{name}{n or ''}" for n in range(99) if f"{name}{n or ''}" not in self.given)
        self.given[free] = value
        return free
