from __future__ import annotations

import pytest

from byoa.plan.look.docker import Layers, Steps


@pytest.mark.parametrize(
    ("line", "step", "words"),
    [
        ("Step 7/21 : RUN apt-get update", (7, 21), "RUN apt-get update"),
        ("#9 [7/21] RUN apt-get update", (7, 21), "RUN apt-get update"),
        ("#12 [builder  3/12] COPY . /x", (3, 12), "COPY . /x"),
        ("#9 12.5 Collecting torch [1/3]", (0, 0), ""),
        ("the file says: Step 7/21 : no", (0, 0), ""),
    ],
)
def test_steps_of_both_builders(line: str, step: tuple[int, int], words: str):
    steps = Steps()
    steps.take(line + "\n")
    assert ((steps.step, steps.steps), steps.words) == (step, words)


def test_the_last_line_is_of_this_step_and_cannot_move_the_terminal():
    steps = Steps()
    for line in ("Step 1/2 : FROM x", "\x1b[31mred\x1b[0m\tand\x07 more\r", " ---> 0123", ""):
        steps.take(line)
    assert list(steps.below) == ["  FROM x", "  red and more"]
    steps.take("Step 2/2 : RUN y")
    assert list(steps.below) == ["  RUN y"]


def test_layers_of_a_pull_in_pieces_as_they_come():
    said = (
        "latest: Pulling from x\r\naaaabbbbcccc: Pulling fs layer \r\n111122223333: Waiting\r\n"
        "\x1b[2A\x1b[2K\raaaabbbbcccc: Downloading [==>   ]  1.5kB/3kB\r\x1b[2B"
        "\x1b[1A\x1b[2K\r111122223333: Already exists \r\x1b[1B\r\n"
    )
    layers = Layers()
    for at in range(0, len(said), 7):
        layers.take(said[at : at + 7])
    assert (layers.over, len(layers.known), layers.part, layers.bytes) == (1, 2, 0.75, 1500)
    layers.take("\raaaabbbbcccc: Pull complete \r\n")
    assert (layers.over, layers.part) == (2, 1.0)
