"""What Step Functions would refuse in a definition, and what could not run, in sentences.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.checking import choices, distributed, fields, graph, special, tasks, tries
from byoa.plan.workflow.walk import Place, machines, places

LARGEST = 1_048_576  #: bytes of a definition

Rule = Callable[[Place], Iterator[str]]
RULES: tuple[Rule, ...] = (
    fields.state_problems,
    graph.state_problems,
    tries.state_problems,
    choices.state_problems,
    special.state_problems,
    distributed.state_problems,
    tasks.state_problems,
)


def problems(definition: Mapping[str, Any] | str) -> list[str]:
    """One sentence for each thing that is wrong, with the state's name; none when it is right."""
    if isinstance(definition, str):
        try:
            definition = json.loads(definition)
        except ValueError as error:
            return [f"the definition is no JSON: {error}"]
        except RecursionError:
            return ["the definition is nested too deep - flatten it"]
    if not isinstance(definition, Mapping):
        return ["the definition must be an object with StartAt and States"]
    return list(dict.fromkeys(_problems(definition)))


def checked(definition: Mapping[str, Any] | str) -> dict[str, Any]:
    """The definition as a dict; UsageError with all that is wrong."""
    found = problems(definition)
    if found:
        raise UsageError("\n".join(found))
    return dict(json.loads(definition) if isinstance(definition, str) else definition)


def _problems(definition: Mapping[str, Any]) -> Iterator[str]:
    try:
        size = len(json.dumps(definition).encode())
    except (TypeError, ValueError) as error:
        yield f"the definition holds what JSON cannot say: {error}"
        return
    if size > LARGEST:
        yield f"the definition has {size:,} bytes, but AWS takes {LARGEST:,} - split it in two"
    yield from graph.twins(definition)
    for machine in machines(definition):
        yield from fields.machine_problems(machine)
        yield from graph.machine_problems(machine)
        for place in places(machine):
            for rule in RULES:
                for sentence in rule(place):
                    yield f'state "{place.name}": {sentence}'
