"""What a model will need, by what is known of it."""

from __future__ import annotations

from pathlib import Path

from container.serving.models_memory import LEAST, Budget


def test_a_model_needs_what_it_had_when_it_was_unloaded(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(bytes(LEAST))
    budget = Budget(100 * LEAST)
    assert budget.need("/m", tmp_path) == 2 * LEAST  # by its files
    budget.learn("/m", 3 * LEAST)
    assert budget.need("/m", tmp_path) == 3 * LEAST
    budget.grown("/m", 5 * LEAST)  # the buffers of its first requests
    assert budget.need("/m", tmp_path) == 5 * LEAST
    budget.grown("/m", 4 * LEAST)  # malloc gave some back
    assert budget.need("/m", tmp_path) == 5 * LEAST
    budget.grown("/m", 90 * LEAST)  # a leak
    assert budget.need("/m", tmp_path) == 10 * LEAST
    budget.grown("/never loaded", LEAST)
    assert list(budget.known) == ["/m"]
