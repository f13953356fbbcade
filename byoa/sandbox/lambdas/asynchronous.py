"""Events that nobody waits for: tried again when they fail, then sent where failures go.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable

from byoa.plan.errors import ServiceError, error_code
from byoa.sandbox.lambdas.function import Function, moto_function
from byoa.sandbox.lambdas.pool import Pool
from byoa.sandbox.lambdas.runtime_api import Event
from byoa.sandbox.lambdas.worker import Outcome
from byoa.sandbox.state import State

#: Lambda waits a minute, then two; the sandbox's minutes are seconds.
PAUSES = (1.0, 2.0)


def send(
    state: State,
    pool: Pool,
    function: Function,
    event: Event,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    threading.Thread(
        target=attempts, args=(state, pool, function, event, sleep), daemon=True
    ).start()


def attempts(
    state: State, pool: Pool, function: Function, event: Event, sleep: Callable[[float], None]
) -> Outcome | None:
    """The last attempt's outcome: the first that goes well, or the last of three."""
    outcome = None
    for pause in (0.0, *PAUSES[: retries(function)]):
        sleep(pause)
        try:
            outcome = pool.invoke(function, event)
        except ServiceError as error:
            if error_code(error) != "TooManyRequestsException":
                traceback.print_exc()
                return None
            continue
        if not outcome.error:
            return outcome
    return outcome


def retries(function: Function) -> int:
    configs = moto_function(function.region, function.name).event_invoke_config
    asked = [config.config.get("MaximumRetryAttempts", 2) for config in configs]
    return int(asked[0]) if asked else 2
