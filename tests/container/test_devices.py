"""Counting devices without a GPU to count."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from container.devices import (
    Machine,
    count_gpus,
    driver_version,
    missing_gpu,
    shared_memory_bytes,
)
from container.kills import count_memory_kills


@pytest.mark.parametrize(
    ("visible", "count"),
    [("", 0), ("-1", 0), ("0", 1), ("0,1", 2), ("0,-1,2", 1), ("GPU-a,GPU-b", 2), ("void", 0)],
)
def test_visible_devices_win(visible, count):
    assert count_gpus({"CUDA_VISIBLE_DEVICES": visible}) == count


def test_device_files_are_counted_without_nvidia_smi(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-caps"):
        (tmp_path / name).touch()
    assert count_gpus({}, tmp_path) == 2


@pytest.mark.parametrize(
    ("script", "count"),
    [
        ("echo 'GPU 0: A10G (UUID: GPU-x)'; echo 'GPU 1: A10G (UUID: GPU-y)'", 2),
        ("echo NVIDIA-SMI has failed; exit 9", 0),
    ],
)
def test_nvidia_smi_counts(tmp_path, monkeypatch, script, count):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert count_gpus({}) == count


def test_the_driver(tmp_path):
    file = tmp_path / "version"
    assert driver_version(file) is None
    file.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.163.01  Tue Apr 8\nGCC\n")
    assert driver_version(file) == "550.163.01"
    file.write_text("")
    assert driver_version(file) is None


def test_shared_memory():
    assert shared_memory_bytes("/no/such/place") is None
    assert (shared_memory_bytes(str(Path.cwd())) or 0) > 0


@pytest.mark.parametrize("instance", ["ml.g5.xlarge", "ml.p4d.24xlarge", "ml.gr6.4xlarge"])
def test_a_gpu_instance_without_a_gpu(instance):
    assert "has GPUs, but none is seen" in missing_gpu(instance, Machine(4, 0), {})
    assert missing_gpu(instance, Machine(4, 1), {}) == ""
    assert missing_gpu(instance, Machine(4, 0), {"BYOA_ALLOW_CPU": "1"}) == ""
    assert missing_gpu(instance, Machine(4, 0), {"CUDA_VISIBLE_DEVICES": ""}) == ""


@pytest.mark.parametrize("instance", ["local", "local_gpu", "ml.c6g.large", "ml.m6g.large"])
def test_other_instances_need_none(instance):
    assert missing_gpu(instance, Machine(4, 0), {}) == ""


def test_memory_kills_are_the_kernels_count(tmp_path):
    assert count_memory_kills(tmp_path) == 0
    (tmp_path / "memory").mkdir()
    old = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"
    (tmp_path / "memory/memory.oom_control").write_text(old)
    assert count_memory_kills(tmp_path) == 2
    (tmp_path / "memory.events").write_text("low 0\noom 1\noom_kill 5\noom_group_kill 0\n")
    assert count_memory_kills(tmp_path) == 5
