"""JSONata in {% … %}, by jsonata-python, with the functions that Step Functions adds.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import json
import random
import sys
import uuid
from collections.abc import Mapping
from typing import Any

from byoa.sandbox.stepfunctions.errors import StateError
from byoa.sandbox.stepfunctions.functions import array_range, hashed, partition

#: An expression that does not end would hold its thread for ever.
MILLISECONDS, DEEPEST = 10_000, 500


def is_expression(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("{%") and value.rstrip().endswith("%}")


def error(cause: str) -> StateError:
    return StateError("States.QueryEvaluationError", cause)


def fill(template: Any, bindings: Mapping[str, Any], field: str) -> Any:
    """A value with every expression in it evaluated."""
    if isinstance(template, dict):
        return {name: fill(value, bindings, f"{field}/{name}") for name, value in template.items()}
    if isinstance(template, list):
        return [fill(item, bindings, f"{field}[{at}]") for at, item in enumerate(template)]
    return evaluate(template, bindings, field) if is_expression(template) else template


def evaluate(expression: str, bindings: Mapping[str, Any], field: str) -> Any:
    """The value of one expression. Nothing found is an error, as it is on AWS."""
    from jsonata import Jsonata
    from jsonata.utils import Utils

    inner = expression.strip()[2:-2].strip()
    said = f"The JSONata expression '{inner}' specified for the field '{field}'"
    try:
        parsed = Jsonata.jsonata(inner, timeout=MILLISECONDS, stack=DEEPEST)
        parsed.set_output_convert_nulls(False)
        for name, function in FUNCTIONS.items():
            parsed.register_lambda(name, function)
        raw = parsed.evaluate(None, {name: nulls(value) for name, value in bindings.items()})
        if raw is None:
            raise error(f"{said} returned nothing (undefined).")
        return plain(Utils.convert_nulls(raw), said)
    except StateError:
        raise
    except Exception as problem:  # JException and what its own code stumbles over
        raise error(f"{said} threw an error during evaluation. {problem}") from None


def nulls(value: Any) -> Any:
    """JSON's null as JSONata's null: its None would mean that there is nothing."""
    from jsonata.utils import Utils

    if value is None:
        return Utils.NULL_VALUE
    if isinstance(value, dict):
        return {name: nulls(item) for name, item in value.items()}
    return [nulls(item) for item in value] if isinstance(value, list) else value


def plain(value: Any, said: str) -> Any:
    """JSON's own types: JSONata's sequences are lists of a kind, its functions are nothing."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, Mapping):
        return {str(name): plain(item, said) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, said) for item in value]
    raise error(f"{said} returned a value that is not JSON.")


def random_number(seed: Any = None) -> float:
    return (random.Random(seed) if seed is not None else random.Random()).random()


def no_eval(*_: Any) -> Any:
    raise error("The function $eval is not supported in Step Functions.")


def to_millis(said: Any, picture: Any = None) -> int | None:
    """$toMillis as the library has it from Python 3.11 on: 3.10 reads no "Z" in a time."""
    from byoa.sandbox.stepfunctions.choice import moment

    if picture is not None:
        raise error("$toMillis with a picture needs Python 3.11 or newer in the sandbox.")
    found = moment(said)
    if found is None and said is not None:
        raise error(f"$toMillis cannot read {said!r}.")
    return None if found is None else int(found.timestamp() * 1000)


FUNCTIONS = {
    **({"toMillis": to_millis} if sys.version_info < (3, 11) else {}),
    "partition": partition,
    "range": array_range,
    "hash": hashed,
    "random": random_number,
    "uuid": lambda: str(uuid.uuid4()),
    "parse": lambda said: nulls(json.loads(said)),
    "eval": no_eval,
}
