"""The benchmarks' own tools: turns, ratios, what the machine is, results and the list."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import bench
import measure

ROOT = Path(__file__).resolve().parents[2]


def test_ways_take_turns():
    order: list[str] = []
    ways = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    times = measure.interleaved(ways, rounds=3)
    assert order == ["a", "b"] * 4  # one round to warm up
    assert [len(found) for found in times.values()] == [3, 3]


def test_the_clock_is_this_process_own_time():
    busy = measure.interleaved({"spin": lambda: sum(range(300_000))}, rounds=1)["spin"][0]
    assert 0 < busy < 5
    with pytest.raises(KeyError):
        measure.interleaved({}, rounds=1, clock="sun")


def test_a_ratio_is_the_median_of_pairs():
    times = {"slow": [2.0, 30.0, 4.0], "fast": [1.0, 10.0, 1.0]}
    assert measure.ratio(times, "slow", "fast") == 3.0
    assert measure.milliseconds(times) == {"slow": 4000.0, "fast": 1000.0}


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (50, 3), (99, 5), (100, 5)])
def test_percentile(percent: float, value: float):
    assert measure.percentile([5, 3, 1, 2, 4], percent) == value


def test_the_machine_is_named():
    facts = measure.machine("numpy", "no-such-package")
    assert set(facts) == {"date", "processor", "cores", "load", "versions"}
    assert set(facts["versions"]) == {"python", "numpy"}
    assert facts["cores"] >= 1


def test_growth_is_the_slope_of_the_last_step():
    assert measure.slope([(1, 7), (10, 10), (100, 100)]) == pytest.approx(1)
    assert measure.slope([(1, 1), (10, 100)]) == pytest.approx(2)


def test_results_and_plots_are_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measure, "RESULTS", tmp_path)
    monkeypatch.setattr(measure, "ROOT", tmp_path)
    measure.save("some", {"ratio": 2.5})
    measure.bars("some", "Some", {"ours": 1, "theirs": 2}, "ms")
    measure.growth("more", "More", {"ours": [(1, 1), (10, 9)]}, ("pictures", "s"))
    assert json.loads((tmp_path / "some.json").read_text()) == {"ratio": 2.5}
    assert all((tmp_path / f"{n}.png").read_bytes()[:4] == b"\x89PNG" for n in ("some", "more"))


def test_every_benchmark_says_what_it_is():
    found = bench.benchmarks()
    assert {"roi_pooling", "mask_rle"} <= {benchmark.name for benchmark in found}
    for benchmark in found:
        assert benchmark.says.endswith((".", ":")) or len(benchmark.says) > 20, benchmark
        assert set(benchmark.needs) <= set(bench.HAVE), benchmark


def test_a_benchmark_that_is_not_there_is_told():
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "bench.py", "no_such"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "there is no no_such" in done.stderr
