from __future__ import annotations

import pytest

from byoa.plan.look import colours
from byoa.plan.look.colours import RED, YELLOW, log_line, of_host, of_text


def test_hosts_have_colours_of_their_own():
    first = [of_host(f"algo-{number}") for number in range(1, 9)]
    assert len(set(first)) == 8
    assert not {RED, YELLOW} & set(first), "those are for what is wrong"
    assert of_host("algo-9") == of_host("algo-1")
    assert of_host("AllTraffic/i-0abc") == of_host("AllTraffic/i-0abc")


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("Traceback (most recent call last):", RED),
        ("ValueError: no such file", RED),
        ("torch.OutOfMemoryError: CUDA out of memory", RED),
        ("2026-11-22 10:00:00 ERROR train: no pictures", RED),
        ("train.py:3: UserWarning: slow", YELLOW),
        ("WARNING: nothing to do", YELLOW),
        ("epoch 1/2 step 3/4 loss 0.5", 0),
        ("mean error 0.25, val_error=3", 0),
        ("0 errors, 0 warnings", 0),
        ("class TerrorBird was found", 0),
    ],
)
def test_what_is_wrong_is_recognisable(text: str, colour: int):
    assert of_text(text) == colour


def test_a_line_in_colours():
    assert log_line("10:00:00", "algo-2", "ERROR: no") == (
        "\x1b[2m10:00:00\x1b[0m \x1b[35malgo-2\x1b[0m \x1b[2m|\x1b[0m \x1b[31mERROR: no\x1b[0m"
    )
    own = "\x1b[1mERROR\x1b[0m of the job's own colour"
    assert log_line("t", "algo-1", own).endswith(f" {own}")
    assert colours.status("Failed") == "\x1b[31mFailed\x1b[0m"
    assert colours.status("whatever") == "whatever"
