"""Attempts as processes: isolated, limited, ended whole; forked and in a fresh interpreter."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from byoa.pipeline.backends import Ended
from byoa.pipeline.here import Here
from byoa.pipeline.order import order_for
from byoa.pipeline.runs import Run
from byoa.plan.pipeline.model import Limits, Source
from tests.byoa.pipeline.made import Project, became, error

CODE = """
    import atexit, os, random, signal, subprocess, sys, threading, time
    from pathlib import Path
    counter = []

    def fine(product):
        counter.append(1)
        print("out"); print("err", file=sys.stderr); os.write(1, b"raw\\n")
        product.write_text(f"{len(counter)} {os.getcwd()} {sys.stdin.read()!r}")
    def forever(product):
        child = subprocess.Popen(["sleep", "600"])
        Path("pid").write_text(str(child.pid))
        product.write_text("half")
        time.sleep(600)
    def deaf(product):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    def hungry(product):
        held = []
        while True: held.append(bytearray(8 << 20)); time.sleep(0.005)
    def greedy(product): bytearray(1 << 40)
    def leaves(product): os._exit(0)
    def exits(product): product.write_text(""); sys.exit(0)
    def exits_badly(product): product.write_text(""); sys.exit("why not")
    def crashes(product): os.kill(os.getpid(), signal.SIGSEGV)
    def nothing(product): pass
    def orphan(product):
        child = subprocess.Popen(["sleep", "600"])
        product.write_text(str(child.pid))
    def thread(product):
        def late(): time.sleep(0.3); product.write_text("late")
        threading.Thread(target=late).start()
    def pools(product, fails=False):
        from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
        from joblib import Parallel, delayed
        ThreadPoolExecutor(2).submit(abs, 1)  # nobody closes them
        ProcessPoolExecutor(2).submit(abs, 1).result()
        product.write_text(str(Parallel(n_jobs=2)(delayed(abs)(n) for n in (-1, -2))))
        if fails: raise ValueError
    def draws(product): product.write_text(f"{random.random()} {os.urandom(2).hex()}")
    def at_exit(product):
        atexit.register(lambda: Path("left").write_text("goodbye"))
        product.write_text("")
    def polite(product):
        try: time.sleep(600)
        finally: Path("cleaned").write_text("yes")
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, CODE)


@pytest.fixture(params=["forked", "fresh"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("BYOA_PIPELINE_FORK", "1" if request.param == "forked" else "0")
    return str(request.param)


@contextmanager
def environment(**words: str) -> Iterator[None]:
    os.environ.update(words)
    try:
        yield
    finally:
        for name in words:
            del os.environ[name]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_tasks_share_no_state_and_their_words_are_in_their_logs(project: Project, way: str):
    for name in ("a", "b"):
        project.task(name, "fine")
    assert set(became(project.build(jobs=1)).values()) == {"done"}
    assert project.made("a") == project.made("b") == f"1 {project.root} ''"
    assert project.log("a").splitlines() == ["out", "err", "raw"]


def test_every_end_is_told_apart(project: Project, way: str):
    ends = {
        "greedy": "MemoryError",
        "leaves": "ended by itself, with exit code 0, before the task was done",
        "exits_badly": "it ended itself: sys.exit('why not')",
        "crashes": "ended by SIGSEGV",
        "nothing": "Task 'nothing' ended well but did not make 'out/nothing'",
        "absent": "has no 'absent'",
    }
    for name in ends:
        limits = Limits(memory_mb=200) if name == "greedy" else Limits()
        project.task(name, limits=limits)
    project.task("exits")
    result = project.build()
    assert became(result) == {**dict.fromkeys(ends, "failed"), "exits": "done"}
    assert [name for name, said in ends.items() if said not in error(result, name)] == []


def test_a_crash_says_where_it_was(project: Project, way: str):
    project.task("crashes")
    project.build()
    assert "Segmentation fault" in project.log("crashes")
    assert "in crashes" in project.log("crashes")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_task_may_start_processes_of_its_own(project: Project, method: str):
    project.write(f"""
        import multiprocessing
        def twice(n): return 2 * n
        def pool(product):
            with multiprocessing.get_context("{method}").Pool(2) as workers:
                product.write_text(str(workers.map(twice, range(4))))
    """)
    project.task("pool")
    result = project.build()
    assert became(result) == {"pool": "done"}, error(result, "pool")
    assert project.made("pool") == "[0, 2, 4, 6]"


def test_a_time_out_ends_the_task_with_its_children(project: Project, way: str):
    project.task("forever", limits=Limits(seconds=1.5))
    result = project.build()
    assert error(result, "forever") == "it took longer than its time-out of 1.5 s"
    failure = result.outcomes["forever"].failure
    assert failure and failure.kinds == ("timeout",)
    assert not alive(int((project.root / "pid").read_text()))
    assert not (project.root / "out").exists()


def test_more_memory_than_allowed_ends_the_task(project: Project, way: str):
    project.task("hungry", limits=Limits(memory_mb=150, attempts=2, retry_on=("timeout",)))
    outcome = project.build().outcomes["hungry"]
    assert outcome.failure and outcome.failure.text == "it took more than its 150 MB of memory"
    assert outcome.attempts == 1, "memory is not what is retried here"
    assert 150 < outcome.peak_mb < 1000


def test_who_ignores_sigterm_is_killed(project: Project, way: str):
    project.task("deaf", limits=Limits(seconds=1))
    began = time.monotonic()
    result = project.build(
        backend=lambda run: Here(project.pipeline, run.folder / "template.log", grace=0.2)
    )
    assert became(result) == {"deaf": "failed"} and error(result, "deaf").startswith("it took")
    assert time.monotonic() - began < 8


def test_sigterm_lets_a_task_clean_up(project: Project, way: str):
    project.task("polite", limits=Limits(seconds=1))
    project.build()
    assert (project.root / "cleaned").read_text() == "yes"


def test_what_a_task_leaves_running_ends_with_it(project: Project, way: str):
    project.task("orphan")
    assert became(project.build()) == {"orphan": "done"}
    assert not alive(int(project.made("orphan")))


def test_threads_are_waited_for_and_exit_functions_called(project: Project, way: str):
    project.task("thread")
    project.task("at_exit")
    assert set(became(project.build()).values()) == {"done"}
    assert project.made("thread") == "late"
    assert (project.root / "left").read_text() == "goodbye"


@pytest.mark.timeout(60)
def test_pools_that_nobody_closed_do_not_keep_a_task(project: Project, way: str):
    project.task("pools")
    project.task("breaks", "pools", params={"fails": True})
    assert became(project.build()) == {"pools": "done", "breaks": "failed"}
    assert project.made("pools") == "[1, 2]"


def test_random_numbers_differ_between_tasks(project: Project):
    project.write("""
        import numpy
        def draws(product): product.write_text(repr(numpy.random.rand(3)))
    """)
    for number in range(3):
        project.task(f"d{number}", "draws")
    project.build()
    assert len({project.made(f"d{number}") for number in range(3)}) == 3


def test_functions_of_this_process_are_forked_along(project: Project):
    values = ["from a closure"]
    project.task("closed", source=Source(object=lambda product: product.write_text(values[0])))
    project.task("fine")
    assert set(became(project.build()).values()) == {"done"}
    assert project.made("closed") == "from a closure"


def test_what_many_tasks_import_is_loaded_once(project: Project):
    """A package of others' is imported by the template; one that starts threads by the tasks."""
    for name, more in (
        ("calm", ""),
        ("thready", "threading.Thread(target=time.sleep, args=(9,), daemon=True).start()"),
    ):
        (project.root / "others" / name).mkdir(parents=True)
        (project.root / "others" / name / "__init__.py").write_text(
            f"import os, threading, time\nloaded_by = os.getpid()\n{more}\n"
        )
    project.write("""
        import calm, thready, os
        def who(product): product.write_text(f"{calm.loaded_by} {thready.loaded_by} {os.getpid()}")
    """)
    for number in range(3):
        project.task(f"w{number}", "who")
    with environment(PYTHONPATH=str(project.root / "others")):
        assert set(became(project.build()).values()) == {"done"}
    calm, thready, own = zip(*(project.made(f"w{number}").split() for number in range(3)))
    assert len(set(calm)) == 1 and calm[0] not in own
    assert thready == own


def test_a_cancelled_attempt_comes_out_of_wait(project: Project):
    task = project.task("forever")
    here = Here(project.pipeline, project.root / "template.log")
    try:
        here.start(task, order_for(project.pipeline, task, str(project.root / "work")))
        while not (project.root / "pid").exists():
            assert here.wait(0.05) == []
        here.cancel("forever")
        ended: list[Ended] = []
        while not ended:
            ended = here.wait(1)
        assert ended[0].failure and ended[0].failure.kinds == ("cancelled",)
    finally:
        here.close()


def test_gpus_are_handed_out(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    project.write("""
        import os, time
        def sees(product): time.sleep(0.2); product.write_text(os.environ["CUDA_VISIBLE_DEVICES"])
    """)
    for name, gpus in (("one", 1), ("two", 1), ("both", 2), ("none", 0)):
        project.task(name, "sees", limits=Limits(gpus=gpus))
    project.build(jobs=4)
    assert {project.made("one"), project.made("two")} == {"3", "5"}
    assert sorted(project.made("both")) == sorted("3,5") and project.made("none") == "3,5"


def test_a_module_that_crashes_the_template_is_left_to_the_tasks(project: Project):
    (project.root / "others").mkdir()
    (project.root / "others/crashes.py").write_text(
        "import os\nif 'template' in os.environ: os.kill(os.getpid(), 11)\n"
    )
    project.write("import crashes\ndef a(product): pass\ndef b(product): pass")
    for name in ("a", "b"):
        project.task(name)
    with environment(PYTHONPATH=str(project.root / "others"), template="1"):
        result = project.build()
    assert {error(result, name) for name in "ab"} == {"its process was ended by SIGSEGV"}


def test_a_killed_template_fails_what_ran_and_another_one_follows(project: Project):
    """As when the kernel takes it; what its tasks had started is ended as well."""
    project.task("forever")
    project.task("after", "fine")
    made: list[Here] = []

    class Watcher:
        def event(self, event: Mapping[str, object]) -> None:
            pass

        def tick(self) -> None:
            pid = project.root / "pid"
            if not killed and pid.exists() and pid.read_text():
                killed.append(made[0].pid)
                os.kill(made[0].pid, signal.SIGKILL)

        def say(self, text: str) -> None:
            pass

    def backend(run: Run) -> Here:
        made.append(Here(project.pipeline, run.folder / "template.log"))
        return made[0]

    killed: list[int] = []
    result = project.build(jobs=1, backend=backend, watcher=Watcher())
    assert became(result) == {"forever": "failed", "after": "done"} and len(killed) == 1
    assert "The process that starts tasks has ended by itself" in error(result, "forever")
    child = int((project.root / "pid").read_text())
    end = time.monotonic() + 10
    while alive(child):
        assert time.monotonic() < end
        time.sleep(0.02)
