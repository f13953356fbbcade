"""Events as AWS gives them, and what they say of each state."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from byoa.plan.workflow.history import StateProgress, failure, progress

BEGIN = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
ALL_TYPES = [
    "ExecutionStarted", "ExecutionFailed", "ExecutionSucceeded", "ExecutionAborted",
    "ExecutionTimedOut", "ExecutionRedriven", "TaskStateEntered", "TaskStateExited",
    "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskFailed", "TaskSucceeded", "TaskTimedOut",
    "TaskStateAborted", "PassStateEntered", "PassStateExited", "FailStateEntered",
    "MapStateEntered", "MapStateStarted", "MapIterationStarted", "MapIterationSucceeded",
    "MapIterationFailed", "MapStateSucceeded", "MapStateFailed", "MapStateExited",
    "ParallelStateEntered", "ParallelStateStarted", "ParallelStateSucceeded",
    "ParallelStateFailed", "ParallelStateExited", "Unheard",
]  # fmt: skip


def events(*told: Any) -> list[dict[str, Any]]:
    """`(type, details, before)`, one a second; before is the number of an event, else the last."""
    made = []
    for number, one in enumerate(told, 1):
        kind, details, before = (
            (*one, *({}, None)[len(one) - 1 :]) if isinstance(one, tuple) else (one, {}, None)
        )
        made.append(
            {
                "id": number,
                "previousEventId": number - 1 if before is None else before,
                "timestamp": BEGIN + timedelta(seconds=number),
                "type": kind,
                "someEventDetails": details,
            }
        )
    return made


def entered(
    kind: str, name: str, before: int | None = None
) -> tuple[str, dict[str, Any], int | None]:
    return f"{kind}StateEntered", {"name": name}, before


def exited(
    kind: str, name: str, before: int | None = None
) -> tuple[str, dict[str, Any], int | None]:
    return f"{kind}StateExited", {"name": name}, before


BROKE = ("TaskFailed", {"error": "Boom", "cause": "it broke"})


def test_a_straight_run():
    found = progress(
        events(
            "ExecutionStarted",
            entered("Task", "A"), "TaskScheduled", "TaskStarted", "TaskSucceeded",
            exited("Task", "A"),
            entered("Succeed", "B"), exited("Succeed", "B"), "ExecutionSucceeded",
        )
    )  # fmt: skip
    assert found["A"] == StateProgress("succeeded", BEGIN + timedelta(seconds=2), 4.0, runs=1)
    assert found["B"].status == "succeeded" and list(found) == ["A", "B"]


def test_a_running_state_counts_up_to_now():
    told = events("ExecutionStarted", entered("Task", "A"), "TaskScheduled", "TaskStarted")
    found = progress(told, now=BEGIN + timedelta(seconds=62))["A"]
    assert (found.status, found.seconds, found.running) == ("running", 60.0, 1)
    assert failure(told) is None


def test_retries_are_counted_and_a_failure_is_told():
    told = events(
        "ExecutionStarted", entered("Task", "A"), "TaskScheduled", BROKE, "TaskScheduled", BROKE,
        "TaskScheduled", ("TaskFailed", {"error": "Last", "cause": "why"}),
        ("ExecutionFailed", {"error": "Last", "cause": "why"}),
    )  # fmt: skip
    found = progress(told)["A"]
    assert (found.status, found.retries, found.failed) == ("failed", 2, 1)
    assert (found.error, found.cause) == ("Last", "why")
    assert failure(told) == ("A", "Last", "why")


def test_a_caught_failure():
    told = events(
        "ExecutionStarted", entered("Task", "A"), "TaskScheduled", BROKE, exited("Task", "A"),
        entered("Pass", "B"), exited("Pass", "B"), "ExecutionSucceeded",
    )  # fmt: skip
    found = progress(told)
    assert (found["A"].status, found["A"].error) == ("caught", "Boom")
    assert found["B"].status == "succeeded"
    assert failure(told) is None


def test_a_caught_failure_without_an_exit():
    told = events(
        "ExecutionStarted", entered("Task", "A"), "TaskScheduled", BROKE, entered("Pass", "B")
    )
    assert progress(told)["A"].status == "caught"


def test_a_fail_state_ends_it():
    told = events(
        "ExecutionStarted", entered("Task", "A"), "TaskScheduled", BROKE, exited("Task", "A"),
        entered("Fail", "Failed"), ("ExecutionFailed", {"error": "E", "cause": "c"}),
    )  # fmt: skip
    assert progress(told)["Failed"].status == "failed"
    assert failure(told) == ("Failed", "E", "c")


def test_stopped_and_timed_out_executions():
    for end, status in (("ExecutionAborted", "aborted"), ("ExecutionTimedOut", "timed out")):
        told = events(
            "ExecutionStarted", entered("Task", "A"), "TaskScheduled", (end, {"cause": "x"})
        )
        assert progress(told)["A"].status == status
        assert failure(told) == ("A", "", "x")


def test_a_task_that_took_too_long():
    told = events(
        "ExecutionStarted", entered("Task", "A"), "TaskScheduled",
        ("TaskTimedOut", {"error": "States.Timeout"}),
        ("ExecutionFailed", {"error": "States.Timeout"}),
    )  # fmt: skip
    assert progress(told)["A"].status == "failed"
    assert failure(told) == ("A", "States.Timeout", "")


def test_branches_go_on_side_by_side():
    told = events(
        "ExecutionStarted",
        entered("Parallel", "Both"),  # 2
        "ParallelStateStarted",  # 3
        entered("Task", "A", 3),  # 4
        entered("Task", "B", 3),  # 5
        ("TaskScheduled", {}, 4),  # 6
        ("TaskScheduled", {}, 5),  # 7
        ("TaskFailed", {"error": "Boom"}, 6),  # 8
        ("TaskStateAborted", {}, 7),  # 9
        ("ParallelStateFailed", {"error": "Boom"}, 8),  # 10
        ("ParallelStateExited", {"name": "Both"}, 10),
        entered("Pass", "Rest"),
    )
    found = {name: one.status for name, one in progress(told).items()}
    assert found == {"Both": "caught", "A": "failed", "B": "aborted", "Rest": "running"}


def test_a_branch_that_ends_the_execution():
    told = events(
        "ExecutionStarted",
        entered("Parallel", "Both"),
        "ParallelStateStarted",
        entered("Task", "A", 3),
        entered("Task", "B", 3),
        ("TaskScheduled", {}, 4),
        ("TaskScheduled", {}, 5),
        ("TaskFailed", {"error": "Boom"}, 6),
        ("ExecutionFailed", {"error": "Boom"}, 8),
    )
    found = {name: one.status for name, one in progress(told).items()}
    assert found == {"Both": "failed", "A": "failed", "B": "aborted"}
    assert failure(told) == ("A", "Boom", "")


def iterations() -> list[Any]:
    return [
        "ExecutionStarted",
        entered("Map", "Each"),  # 2
        "MapStateStarted",  # 3
        ("MapIterationStarted", {"name": "Each", "index": 0}, 3),  # 4
        ("MapIterationStarted", {"name": "Each", "index": 1}, 3),  # 5
        entered("Task", "One", 4),  # 6
        entered("Task", "One", 5),  # 7
        ("TaskScheduled", {}, 6),  # 8
        ("TaskScheduled", {}, 7),  # 9
        ("TaskSucceeded", {}, 8),  # 10
        exited("Task", "One", 10),  # 11
        ("MapIterationSucceeded", {"name": "Each", "index": 0}, 11),  # 12
    ]


def test_iterations_are_told_together():
    running = progress(events(*iterations()))
    assert (running["One"].status, running["One"].runs, running["One"].running) == ("running", 2, 1)
    assert running["Each"].status == "running"
    failed = events(
        *iterations(),
        ("TaskFailed", {"error": "Boom"}, 9),  # 13
        ("MapIterationFailed", {"name": "Each", "index": 1}, 13),  # 14
        ("MapStateFailed", {"error": "Boom"}, 14),  # 15
        ("ExecutionFailed", {"error": "Boom"}, 15),
    )
    found = progress(failed)
    assert (found["One"].status, found["One"].failed) == ("failed", 1)
    assert found["Each"].status == "failed"
    fine = events(
        *iterations(),
        ("TaskSucceeded", {}, 9),
        exited("Task", "One", 13),
        ("MapIterationSucceeded", {"name": "Each", "index": 1}, 14),
        ("MapStateSucceeded", {}, 15),
        exited("Map", "Each", 16),
        entered("Pass", "After", 17),
        exited("Pass", "After"),
        "ExecutionSucceeded",
    )
    found = progress(fine)
    assert [found[name].status for name in ("Each", "One", "After")] == ["succeeded"] * 3
    assert found["One"].runs == 2 and found["Each"].runs == 1
    assert found["One"].seconds == 8.0, "from 6 to 14, though two ran at once"


def test_a_map_within_a_map_is_told_apart():
    told = events(
        "ExecutionStarted",
        entered("Map", "Outer"),  # 2
        "MapStateStarted",  # 3
        ("MapIterationStarted", {"name": "Outer", "index": 0}, 3),  # 4
        entered("Map", "Inner", 4),  # 5
        "MapStateStarted",  # 6
        ("MapIterationStarted", {"name": "Inner", "index": 0}, 6),  # 7
        entered("Task", "One", 7),  # 8
        "TaskScheduled",  # 9
        BROKE,  # 10
        ("MapIterationFailed", {"name": "Inner", "index": 0}, 10),  # 11
        ("MapStateFailed", {"error": "Boom"}, 11),  # 12
        ("MapIterationFailed", {"name": "Outer", "index": 0}, 12),  # 13
        ("MapStateFailed", {"error": "Boom"}, 13),  # 14
        exited("Map", "Outer", 14),  # caught
        entered("Pass", "After"),
    )
    found = {name: one.status for name, one in progress(told).items()}
    assert found == {"Outer": "caught", "Inner": "failed", "One": "failed", "After": "running"}


def test_only_the_last_round_of_a_map_counts():
    told: list[Any] = ["ExecutionStarted"]
    for fates in (["TaskSucceeded", BROKE], ["TaskSucceeded"]):
        told += [entered("Map", "Each"), "MapStateStarted"]
        begin = len(told)
        for index, fate in enumerate(fates):
            told += [("MapIterationStarted", {"name": "Each", "index": index}, begin)]
            told += [entered("Task", "One"), "TaskScheduled", fate]
            told += [exited("Task", "One")] if fate == "TaskSucceeded" else []
        told += ["MapStateSucceeded", exited("Map", "Each")]
    assert progress(events(*told))["One"].status == "succeeded"


def test_the_last_round_of_a_loop_counts():
    told = ["ExecutionStarted"]
    for _ in range(3):
        told += [entered("Wait", "Wait"), exited("Wait", "Wait"), entered("Task", "Look")]  # type: ignore[list-item]
        told += ["TaskScheduled", BROKE, exited("Task", "Look")]  # type: ignore[list-item]
    told += [entered("Wait", "Wait"), exited("Wait", "Wait"), entered("Task", "Look")]  # type: ignore[list-item]
    told += ["TaskScheduled", "TaskSucceeded", exited("Task", "Look"), "ExecutionSucceeded"]  # type: ignore[list-item]
    found = progress(events(*told))
    assert (found["Look"].status, found["Look"].runs) == ("succeeded", 4)
    assert found["Wait"].seconds == 4.0


LOST = [
    "ExecutionStarted",
    entered("Task", "A"),
    "TaskScheduled",
    BROKE,
    ("ExecutionFailed", {"error": "Boom"}),
]


def test_a_redriven_execution_goes_on():
    for again in (["TaskScheduled"], [entered("Task", "A"), "TaskScheduled"]):
        told = events(*LOST, "ExecutionRedriven", *again)
        assert progress(told)["A"].status == "running"
        assert failure(told) is None
        told = events(*LOST, "ExecutionRedriven", *again, "TaskSucceeded", exited("Task", "A"),
                      "ExecutionSucceeded")  # fmt: skip
        assert progress(told)["A"].status == "succeeded"
        told = events(*LOST, "ExecutionRedriven", *again, ("TaskFailed", {"error": "Again"}),
                      ("ExecutionFailed", {"error": "Again"}))  # fmt: skip
        assert progress(told)["A"].status == "failed"
        assert failure(told) == ("A", "Again", "")


def test_what_was_lost_before_a_redrive_is_not_blamed_again():
    told = events(*LOST, "ExecutionRedriven", entered("Task", "A"), "TaskScheduled",
                  "TaskSucceeded", exited("Task", "A"), entered("Wait", "B"),
                  ("ExecutionAborted", {"cause": "stopped"}))  # fmt: skip
    assert failure(told) == ("B", "", "stopped")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(ALL_TYPES),
            st.fixed_dictionaries(
                {}, optional={"name": st.sampled_from("AB"), "index": st.integers(0, 2)}
            ),
            st.integers(0, 12),
        ),
        max_size=14,
    )
)
@settings(max_examples=200, deadline=None)
def test_no_history_breaks_it(told: list[Any]):
    for one in progress(events(*told)).values():
        assert one.seconds >= 0 and one.runs > 0
    failure(events(*told))
