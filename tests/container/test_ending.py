"""What an exit code, a signal or the end of stderr means, in a sentence."""

from __future__ import annotations

import signal

import pytest

from container.ending import explain
from container.process import Ended
from container.traceback_text import last_exception

TORCHRUN = """\
[rank1]: Traceback (most recent call last):
[rank1]:   File "train.py", line 14, in <module>
[rank1]: ValueError: rank 1 has no data
E1122 05:00:00 torch/distributed/elastic/multiprocessing/api.py:1045] failed (exitcode: 1)
Traceback (most recent call last):
    raise ChildFailedError(
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
train.py FAILED
"""


@pytest.mark.parametrize(
    ("ended", "headline"),
    [
        (Ended(3), "ProgramFailed: x ended with exit code 3 and said no more; the end of the"),
        (Ended(3, stderr="a\n\nlast words\n \n"), "ProgramFailed: x ended with exit code 3: last"),
        (Ended(127, stderr="y: not found"), "exit code 127 (a command in it was not found): y: "),
        (Ended(126, stderr="y: denied"), "exit code 126 (a command in it is not executable): y"),
        (Ended(137, by_signal=signal.SIGKILL), "x was ended by signal 9 (SIGKILL)."),
        (Ended(137, stderr="Killed"), "x was ended by signal 9 (SIGKILL)."),
        (Ended(139), "x was ended by signal 11 (SIGSEGV)."),
        (Ended(168, by_signal=40), "x was ended by signal 40."),
        (Ended(200), "ended with exit code 200"),
        (Ended(255), "ended with exit code 255"),
        (Ended(137, overdue=True), "x did not stop in time and was killed."),
        (Ended(137, memory_kill=True), "OutOfMemory: the kernel killed x, or a process of it"),
        (Ended(1, stderr=TORCHRUN), "ValueError: rank 1 has no data (x ended with exit code 1)"),
        (Ended(2, stderr="json.decoder.JSONDecodeError: bad"), "JSONDecodeError: bad (x ended"),
    ],
)
def test_the_headline(ended, headline):
    assert headline in explain("x", ended)[0]


def test_the_last_lines_follow():
    lines = [f"line {number}" for number in range(20)]
    details = explain("x", Ended(3, stderr="\n".join(lines)))[1]
    assert details.splitlines() == lines[-8:]


@pytest.mark.parametrize(
    ("lines", "exception"),
    [
        ([], None),
        (["ValueError", "note: nothing here", "error: lower case"], None),
        (["ValueError: one", "TypeError: two", "bye"], "TypeError: two"),
        (["  ValueError: indented is quoted code"], None),
        (["a.b.SomeException: text"], "SomeException: text"),
        (["ValueError: real", "subprocess.CalledProcessError: Command"], "ValueError: real"),
    ],
)
def test_the_last_exception(lines, exception):
    assert last_exception(lines) == exception
