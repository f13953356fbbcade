"""Cores, memory and GPUs, read from a made-up machine below a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from container.serving.plan import make_plan
from container.serving.resources import Resources, measure, parse_listing, visible_gpus
from container.serving.settings import MIB, Settings

GIB = 1 << 30
CORES = float(len(os.sched_getaffinity(0)))


def machine(root: Path, **files: str) -> Path:
    """A root folder; names are paths with __ for / and _DOT_ for the dot."""
    everything = {"proc__meminfo": f"MemTotal:  {16 * GIB // 1024} kB\nMemFree: 1 kB\n", **files}
    for name, text in everything.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_no_limits(tmp_path: Path):
    assert measure({}, machine(tmp_path)) == Resources(CORES, 16 * GIB, ())


def test_cgroup_2_as_a_container_sees_it(tmp_path: Path):
    root = machine(
        tmp_path,
        sys__fs__cgroup__cpu_DOT_max="50000 100000\n",
        sys__fs__cgroup__memory_DOT_max=f"{2 * GIB}\n",
        proc__self__cgroup="0::/\n",
    )
    assert measure({}, root) == Resources(0.5, 2 * GIB, ())


def test_cgroup_2_unlimited(tmp_path: Path):
    root = machine(
        tmp_path,
        sys__fs__cgroup__cpu_DOT_max="max 100000\n",
        sys__fs__cgroup__memory_DOT_max="max\n",
        proc__self__cgroup="0::/\n",
    )
    assert measure({}, root) == Resources(CORES, 16 * GIB, ())


def test_cgroup_2_the_tightest_of_the_groups_above_counts(tmp_path: Path):
    root = machine(
        tmp_path,
        proc__self__cgroup="0::/pod/serve\n",
        sys__fs__cgroup__pod__cpu_DOT_max="150000 100000",
        sys__fs__cgroup__pod__serve__cpu_DOT_max="max 100000",
        sys__fs__cgroup__pod__memory_DOT_max=str(8 * GIB),
        sys__fs__cgroup__pod__serve__memory_DOT_max=str(3 * GIB),
    )
    assert measure({}, root) == Resources(min(1.5, CORES), 3 * GIB, ())


def test_cgroup_1(tmp_path: Path):
    root = machine(
        tmp_path,
        proc__self__cgroup="4:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n1:name=systemd:/x\n",
        sys__fs__cgroup__cpu__docker__abc__cpu_DOT_cfs_quota_us="25000",
        sys__fs__cgroup__cpu__docker__abc__cpu_DOT_cfs_period_us="100000",
        sys__fs__cgroup__memory__memory_DOT_limit_in_bytes="9223372036854771712",
        sys__fs__cgroup__memory__docker__abc__memory_DOT_limit_in_bytes=str(GIB),
    )
    assert measure({}, root) == Resources(0.25, GIB, ())


def test_cgroup_1_unlimited(tmp_path: Path):
    root = machine(
        tmp_path,
        sys__fs__cgroup__cpu__cpu_DOT_cfs_quota_us="-1",
        sys__fs__cgroup__cpu__cpu_DOT_cfs_period_us="100000",
    )
    assert measure({}, root).cores == CORES


@pytest.mark.parametrize(
    ("environ", "devices", "gpus"),
    [
        ({}, 0, ()),
        ({}, 2, ("0", "1")),
        ({"NVIDIA_VISIBLE_DEVICES": "all"}, 1, ("0",)),
        ({"NVIDIA_VISIBLE_DEVICES": "void"}, 2, ()),
        ({"NVIDIA_VISIBLE_DEVICES": "none"}, 2, ()),
        ({"CUDA_VISIBLE_DEVICES": ""}, 2, ()),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, 2, ()),
        ({"CUDA_VISIBLE_DEVICES": "1"}, 2, ("1",)),
        ({"CUDA_VISIBLE_DEVICES": "GPU-a, MIG-b"}, 0, ("GPU-a", "MIG-b")),
        ({"CUDA_VISIBLE_DEVICES": "0,-1,1"}, 2, ("0",)),
    ],
)
def test_visible_gpus(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    devices: int,
    gpus: tuple[str, ...],
):
    monkeypatch.setenv("PATH", str(tmp_path))  # no nvidia-smi
    files = {f"dev__nvidia{index}": "" for index in range(devices)}
    root = machine(tmp_path, dev__nvidiactl="", **{"dev__nvidia-uvm": ""}, **files)
    assert visible_gpus(environ, root) == gpus


def test_mig_slices_stand_for_their_gpu():
    listing = (
        "GPU 0: NVIDIA A100 (UUID: GPU-aaa)\n"
        "  MIG 3g.20gb     Device  0: (UUID: MIG-111)\n"
        "  MIG 3g.20gb     Device  1: (UUID: MIG-222)\n"
        "GPU 1: NVIDIA A100 (UUID: GPU-bbb)\n"
    )
    assert parse_listing(listing) == ("MIG-111", "MIG-222", "GPU-bbb")
    assert parse_listing("No devices found.\n") == ()


def settings(**environ: str) -> Settings:
    return Settings.from_environment({"BYOA_ALGORITHM": str(Path(__file__).parent), **environ})


@pytest.mark.parametrize(
    ("cores", "memory", "model", "processes", "threads"),
    [
        (0.5, 2 * GIB, 0, 1, 1),
        (1, 2 * GIB, 0, 1, 1),
        (2, 8 * GIB, 100 * MIB, 2, 1),
        (1.4, 8 * GIB, 0, 1, 1),
        (1.5, 8 * GIB, 0, 2, 1),
        (2.5, 8 * GIB, 0, 3, 1),
        (8, 64 * GIB, 200 * MIB, 8, 1),
        (8, 4 * GIB, 200 * MIB, 3, 2),  # memory for three: they get two threads each
        (8, 1 * GIB, 2 * GIB, 1, 8),  # too little even for one: try
    ],
)
def test_processes_times_threads_are_the_cores(
    cores: float, memory: int, model: int, processes: int, threads: int
):
    plan = make_plan(settings(), Resources(cores, memory, ()), model)
    assert (len(plan.processes), plan.processes[0].threads) == (processes, threads)
    assert plan.max_batch == 1 and plan.batch_delay == 0
    assert sum(process.memory for process in plan.processes) <= memory
    assert "CPU" in plan.describe()


def test_one_process_a_gpu():
    plan = make_plan(settings(), Resources(16, 64 * GIB, ("GPU-a", "GPU-b")), GIB)
    assert [process.gpu for process in plan.processes] == ["GPU-a", "GPU-b"]
    assert plan.processes[0].threads == 8
    assert plan.max_batch == 8 and 0 < plan.batch_delay < 0.01
    assert "GPU GPU-a, GPU-b" in plan.describe()


def test_the_environment_overrides_the_plan():
    chosen = settings(
        SAGEMAKER_MODEL_SERVER_WORKERS="3",
        BYOA_MODEL_THREADS="2",
        BYOA_MAX_BATCH="4",
        BYOA_BATCH_DELAY_MS="7",
        BYOA_MODEL_MEMORY_MB="99",
        BYOA_QUEUE_MB="5",
    )
    plan = make_plan(chosen, Resources(1, GIB, ("0", "1")), 0)
    assert [(each.gpu, each.threads, each.memory) for each in plan.processes] == [
        ("0", 2, 99 * MIB),
        ("1", 2, 99 * MIB),
        ("0", 2, 99 * MIB),
    ]
    assert (plan.max_batch, plan.batch_delay, plan.queue_bytes) == (4, 0.007, 5 * MIB)
