"""Names that each attempt of each execution has for itself, made while it runs."""

from __future__ import annotations

import re

from byoa.plan.errors import UsageError
from byoa.plan.workflow.expressions import Text

#: Of 63 characters: a hash of 32, three hyphens, and room for 99 redrives and 9 retries.
LONGEST = 24
#: The start tells two executions of one name apart, of a machine that was deleted and made again.
ID, START = "Execution.Id", "Execution.StartTime"
REDRIVES, RETRIES = "Execution.RedriveCount", "State.RetryCount"


def execution_name(prefix: str) -> Text:
    """`prefix-<hash of the execution>-<redrives>-<retries>`: a job's name that was never taken.

    An execution's own name may have 80 characters and a `_`; SageMaker takes 63 of letters, digits
    and hyphens, and never the name of a job that failed.
    """
    if not re.fullmatch(r"[A-Za-z0-9](-?[A-Za-z0-9])*", prefix) or len(prefix) > LONGEST:
        raise UsageError(
            f"{prefix!r} cannot begin a job's name - take up to {LONGEST} letters, digits and "
            "single hyphens, such as train"
        )
    mark, context = execution_mark(), "$states.context"
    path = (
        f"States.Format('{prefix}-{{}}-{{}}-{{}}', {mark.jsonpath()}, $$.{REDRIVES}, $$.{RETRIES})"
    )
    expression = (
        f"'{prefix}-' & {mark.jsonata()} & '-' & "
        f"$string({context}.{REDRIVES}) & '-' & $string({context}.{RETRIES})"
    )
    return Text.marked(path, expression)


def execution_mark() -> Text:
    """32 hex digits that are one execution's alone, the same in all its states and redrives."""
    path = f"States.Hash(States.Format('{{}} {{}}', $$.{ID}, $$.{START}), 'MD5')"
    context = "$states.context"
    return Text.marked(path, f"$hash({context}.{ID} & ' ' & {context}.{START}, 'MD5')")


def short_name(prefix: str) -> Text:
    """`prefix-<12 hex digits of chance>`: a tuning job's name has 32 characters at most."""
    path = f"States.Format('{prefix}-{{}}', States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 4))"  # noqa: E501
    return Text.marked(path, f"'{prefix}-' & $split($uuid(), '-')[4]")
