"""Advice for the failures that every job meets."""

from __future__ import annotations

import pytest

from container.hints import hint

ENVIRON = {"SM_HP_BATCH_SIZE": "8", "SM_CHANNELS": '["training", "code"]'}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried", "Lower the batch size (now 8)"),
        ("RuntimeError: CUDA error: out of memory", "larger GPU"),
        ("RuntimeError: DataLoader worker (pid 7) is killed by signal: Bus error.", "--shm-size"),
        ("RuntimeError: unable to open shared memory object </torch_1>", "/dev/shm"),
        ("RuntimeError: DataLoader worker (pid 7) is killed by signal: Killed.", "ran out of mem"),
        ("MemoryError: no message", "Lower the batch size (now 8)"),
        (
            "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory",
            "Lower the batch",
        ),
        ("OutOfMemory: the kernel killed train.py", "Lower the batch size (now 8) or the number"),
        ("OSError: [Errno 28] No space left on device", "VolumeSizeInGB"),
        ("OSError: [Errno 30] Read-only file system: '/opt/ml/input/data/x'", "SM_OUTPUT_DATA_DIR"),
        ("KeyError: 'SM_CHANNEL_TEST'", "has only: training, code. Add a channel 'test'"),
        ("FileNotFoundError: [Errno 2] '/opt/ml/input/data/test/a'", "Add a channel 'test'"),
        ("ModuleNotFoundError: No module named 'pandas.core'", "Add pandas to requirements.txt"),
        ("ModuleNotFoundError: No module named 'sklearn.svm'", "Add scikit-learn to"),
        ("ArgumentError: unrecognized arguments: --lr 1", "reaches the program as --name value"),
        ("RuntimeError: [gloo] Connection closed by peer [10.0.0.2]:1", "Another host or process"),
        ("DistBackendError: NCCL error: remote process exited", "Another host or process"),
        ("URLError: <urlopen error [Errno -3] Temporary failure in name resolution>", "isolation"),
        ("NoCredentialsError: Unable to locate credentials", "no AWS credentials"),
        ("OSError: [Errno 24] Too many open files", "num_workers"),
        ("RuntimeError: The NVIDIA driver on your system is too old", "`doctor` shows both"),
        ("RuntimeError: CUDA error: no kernel image is available for execution", "instance type"),
    ],
)
def test_advice(text, said):
    assert said in hint(text, ENVIRON), hint(text, ENVIRON)


@pytest.mark.parametrize(
    "text",
    [
        "ValueError: learning_rate is 0. Set it above 0.",
        "FileNotFoundError: [Errno 2] '/opt/ml/input/data/training/a.jpg'",  # the channel is there
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied",
        "",
    ],
)
def test_no_advice_is_better_than_wrong_advice(text):
    assert hint(text, ENVIRON) == ""


def test_a_job_without_channels():
    assert "has no channel at all" in hint("KeyError: 'SM_CHANNEL_TRAINING'", {})
    assert "has no channel at all" in hint("KeyError: 'SM_CHANNEL_X'", {"SM_CHANNELS": "nonsense"})
