"""What a person sees while a job runs, on a pseudo-terminal; and that a pipe has none of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.byoa.conftest import Byoa
from tests.byoa.terminal import Seen, Terminal

PLACE = ("-p", "demo", "--on", "process")
TRAIN = """\
import os, sys, time
for epoch in (1, 2):
    for step in (10, 20):
        time.sleep(0.4)
        print(f"epoch {epoch}/2 step {step}/20 loss {1 / epoch:.3f} 0.04 s/step, about 1 s left", flush=True)
        while (epoch, step) == (2, 10) and os.path.exists("HOLD"):
            time.sleep(0.05)
    print(f"epoch={epoch}; train_loss={1 / epoch};", flush=True)
print("UserWarning: slow", file=sys.stderr)
if os.environ["SM_CURRENT_HOST"] != os.environ["SM_MASTER_ADDR"]:
    print("ERROR: not the first")
"""  # noqa: E501 - as the algorithm says it


def on_terminal(*words: str, columns: int = 80, **environ: str) -> Terminal:
    root = Path(__file__).parents[3]
    return Terminal(["-m", "byoa.cli", *words], columns, PYTHONPATH=str(root), **environ)


@pytest.fixture
def script(home: Path) -> Path:
    path = Path("train.py")
    path.write_text(TRAIN.replace("HOLD", str(home / "hold")))
    return path


@pytest.mark.parametrize("columns", [80, 40])
def test_a_jobs_bar_is_below_its_lines_and_gone_at_the_end(script: Path, home: Path, columns: int):
    home.mkdir()
    (hold := home / "hold").touch()  # a busy machine draws it late
    words = ("run", *PLACE, "-t", "first", "-e", "train.py")
    terminal = on_terminal(*words, columns=columns)
    terminal.until(lambda said: any("75 %" in line for line in drawn(said)))
    hold.unlink()
    said = terminal.until("\r\x1b[Jtask:")
    bars = [line for line in drawn(said) if line.startswith("first  Training")]
    assert max(map(len, bars)) < columns
    assert any("75 %" in line and "█" in line for line in bars), bars
    assert ("epoch 2/2  loss 0.5" in said) is (columns == 80), "as far as there is room"
    assert terminal.end() == 0
    left = terminal.seen.text
    assert "█" not in left and "epoch=2; train_loss=0.5;" in left.replace("\n", "")
    assert left.replace("\n", "").count("epoch 2/2 step 20/20 loss 0.500") == 1


def drawn(said: str) -> list[str]:
    """What was the last line at some moment."""
    parts = said.replace("\r\n", "\n").split("\r\x1b[J")
    return [part.rpartition("\n")[2] for part in parts[:-1]]


def test_hosts_have_their_colours_on_a_terminal_and_a_pipe_is_plain(script: Path, byoa: Byoa):
    done = byoa("run", *PLACE, "-t", "wide", "-e", "train.py", "--ic", "2")
    assert (done.code, "\x1b" in done.err + done.out) == (0, False)
    logs = ("logs", "-f", *PLACE, "-t", "wide")
    piped = byoa(*logs)
    assert "algo-2 | ERROR: not the first" in piped.out and "\x1b" not in piped.out

    terminal = on_terminal(*logs)
    assert terminal.end() == 0
    said = terminal.said
    assert "\x1b[36malgo-1\x1b[0m" in said and "\x1b[35malgo-2\x1b[0m" in said
    assert "\x1b[31mERROR: not the first\x1b[0m" in said
    assert said.count("\x1b[33mUserWarning: slow\x1b[0m") == 2
    assert Seen(1000).feed(said).text.startswith(piped.out)

    for words, value in (([], "1"), (["--no-color"], "")):
        terminal = on_terminal(*logs, *words, NO_COLOR=value)
        assert (terminal.end(), "\x1b" in terminal.said) == (0, False)


def test_a_project_as_a_table_that_goes_on_until_all_have_ended(script: Path, byoa: Byoa):
    Path("bad.py").write_text("raise SystemExit('ValueError: no pictures')\n")
    assert byoa("run", *PLACE, "-t", "bad", "-e", "bad.py").code == 1
    byoa("run", *PLACE, "-t", "first", "-e", "train.py", "--detach")
    terminal = on_terminal("status", *PLACE, "--watch", columns=70)
    assert terminal.end() == 1, "one of them did not complete"
    rows = [line.split() for line in terminal.seen.text.splitlines()]
    assert rows[0] == ["NAME", "KIND", "STATUS", "TIME", "PROGRESS"]  # once, and no old one left
    assert [row[:3] for row in rows[1:]] == [
        ["bad", "training", "Failed"], ["first", "training", "Completed"],
    ]  # fmt: skip
    assert "\x1b[34mInProgress\x1b[0m" in terminal.said
    assert max(map(len, terminal.seen.rows)) < 70

    piped = byoa("status", *PLACE)
    assert (piped.code, "\x1b" in piped.out) == (0, False)
    assert "ValueError: no pictures, exit code: 1" in piped.out, "nothing is cut in a pipe"
    assert byoa("status", *PLACE, "--watch").code == 1
    bad, first = byoa("status", *PLACE, "--json").json
    assert (bad["status"], bad["reason"][:14]) == ("Failed", "AlgorithmError")
    assert first["metrics"] == {"loss": 0.5, "train_loss": 0.5}
    assert first["progress"] is None and first["usd"] is None


def test_one_job_to_its_end_on_a_terminal(script: Path, byoa: Byoa):
    byoa("run", *PLACE, "-t", "first", "-e", "train.py", "--detach")
    terminal = on_terminal("status", *PLACE, "-t", "first", "-w")
    assert terminal.end() == 0
    assert terminal.seen.text.count("status:") == 1
    assert "first  InProgress" in terminal.said and "first  InProgress" not in terminal.seen.text


def test_ctrl_c_says_that_the_jobs_run_on(script: Path, byoa: Byoa):
    script.write_text("import time; time.sleep(60)\n")
    byoa("run", *PLACE, "-t", "first", "-e", "train.py", "--detach")
    for verb, there in (
        (("status", "-w"), "InProgress"), (("wait", "-t", "first"), "Training"),
        (("logs", "-f", "-t", "first"), "program: train.py"),
    ):  # fmt: skip
        terminal = on_terminal(*verb, *PLACE)
        terminal.until(there)
        terminal.interrupt()
        assert terminal.end() == 130
        *before, last = terminal.seen.text.strip().split("\n")
        assert (last, bool(before)) == ("What was watched runs on.", "logs" in verb)
    byoa("stop", *PLACE, "-t", "first")


def test_a_project_without_anything_and_no_project(byoa: Byoa, home: Path):
    done = byoa("status", *PLACE)
    assert (done.code, done.out) == (0, "")
    assert "demo has no job and no endpoint on process" in done.err
    assert byoa("status", *PLACE, "--json").json == []
    done = byoa("status", "--on", "process")
    assert (done.code, "a project (-p)" in done.err) == (2, True)


def test_an_endpoint_by_its_name(byoa: Byoa, home: Path):
    Path("model").mkdir()
    Path("model", "rows.json").write_text("[1]")
    Path("algorithm").mkdir()
    Path("algorithm", "train.py").write_text("")
    Path("algorithm", "inference.py").write_text(
        "def model_fn(model_dir): return 1\ndef predict_fn(item, model): return [2]\n"
    )
    image = f"process://{Path('algorithm').absolute()}"
    words = ("--model", "model", "--image", image, "--endpoint", "demo-x")
    try:
        byoa("deploy", *PLACE, *words, "--no-wait")
        terminal = on_terminal("status", "demo-x", "--on", "process", "-w")
        assert terminal.end() == 0, terminal.said
        assert terminal.seen.text.split()[4:7] == ["demo-x", "endpoint", "InService"]
        (row,) = byoa("status", *PLACE, "--json").json
        assert (row["name"], row["status"], row["kind"]) == ("demo-x", "InService", "endpoint")
        assert byoa("status", "demo-x", "--on", "process", "--json").json["name"] == "demo-x"
        done = byoa("invoke", "demo-x", "model/rows.json", "--overlay", "--on", "process")
        assert (done.code, list(Path().glob("*.png"))) == (1, [])
        assert "The model of demo-x draws no picture for application/json" in done.err
    finally:
        byoa("undeploy", "demo-x", *PLACE)
    done = byoa("status", "demo-x", "--on", "process")
    assert (done.code, "There is no job 'demo-x'" in done.err) == (1, True)
