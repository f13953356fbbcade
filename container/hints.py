"""What to do about failures that every training job meets, told by their text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

Environ = Mapping[str, str]


def hint(text: str, environ: Environ) -> str:
    """One sentence of advice for a failure's text; empty when we know none."""
    for pattern, advice in _TABLE:
        if re.search(pattern, text, re.IGNORECASE):
            return advice if isinstance(advice, str) else advice(text, environ)
    return ""


def _out_of_gpu_memory(_: str, environ: Environ) -> str:
    return f"Lower the batch size{_batch_size(environ)} or the picture size, or take a larger GPU."


def _out_of_memory(text: str, environ: Environ) -> str:
    guessed = re.search(r"SIGKILL|signal: Killed", text)
    start = "Probably the host ran out of memory: lower" if guessed else "Lower"
    return (
        f"{start} the batch size{_batch_size(environ)} or the number of data loader workers,"
        " or take a larger instance."
    )


def _batch_size(environ: Environ) -> str:
    names = ("SM_HP_BATCH_SIZE", "SM_HP_BATCH-SIZE", "SM_HP_TRAIN_BATCH_SIZE")
    size = next((environ[name] for name in names if environ.get(name)), None)
    return f" (now {size})" if size else ""


def _missing_channel(text: str, environ: Environ) -> str:
    found = re.search(r"SM_CHANNEL_([\w.-]+)|input/data/([\w.-]+)", text)
    name = (found.group(1) or found.group(2)).lower() if found else "?"
    channels = _channels(environ)
    if name in channels:
        return ""
    there = f"has only: {', '.join(channels)}" if channels else "has no channel at all"
    return f"The job {there}. Add a channel {name!r}, or use one that is there."


def _channels(environ: Environ) -> list[str]:
    try:
        return [str(name) for name in json.loads(environ.get("SM_CHANNELS", "[]"))]
    except ValueError:
        return []


#: Packages that are not called as what one imports of them: pip knows no package `sklearn`.
_CALLED = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def _missing_module(text: str, _: Environ) -> str:
    found = re.search(r"No module named '([\w.]+)'", text)
    name = found.group(1).split(".")[0] if found else "it"
    name = _CALLED.get(name, name)
    return f"Add {name} to requirements.txt beside the program, or build it into the image."


_NETWORK = (
    "The network cannot be reached: a job in network isolation has none. Put what the program"
    " downloads into the image or into a channel."
)
_SHARED_MEMORY = (
    "Probably shared memory (/dev/shm) is too small: lower num_workers, use"
    " torch.multiprocessing.set_sharing_strategy('file_system'), or give docker --shm-size."
)
_DISK = "The disk is full: raise VolumeSizeInGB, or write less below /opt/ml and /tmp."

# The first match wins: the particular before the general.
_TABLE: tuple[tuple[str, str | Callable[[str, Environ], str]], ...] = (
    (r"bus error|SIGBUS|shared memory \(shm\)|unable to open shared memory", _SHARED_MEMORY),
    (r"CUDA out of memory|CUDA error: out of memory|OutOfMemoryError", _out_of_gpu_memory),
    (r"CUBLAS_STATUS_ALLOC_FAILED", _out_of_gpu_memory),
    (r"driver version is insufficient|driver on your system is too old",
     "The host's NVIDIA driver is too old for this image's CUDA: take a newer instance or AMI, or"
     " an image with an older CUDA. `doctor` shows both versions."),
    (r"no kernel image is available",
     "This image's torch has no code for this GPU: take another instance type."),
    (r"SIGKILL|signal: Killed|OutOfMemory:|MemoryError|Cannot allocate memory"
     r"|DefaultCPUAllocator: can't allocate",
     _out_of_memory),
    (r"No space left on device|disk quota exceeded", _DISK),
    (r"Read-only file system",
     "Channels are read-only: write below SM_OUTPUT_DATA_DIR, SM_MODEL_DIR or /tmp."),
    (r"KeyError: .?SM_CHANNEL_|FileNotFoundError.*input/data/", _missing_channel),
    (r"No module named '", _missing_module),
    (r"unrecognized arguments|invalid choice|the following arguments are required",
     "Every hyperparameter reaches the program as --name value: check the names of the job's"
     " hyperparameters."),
    (r"Connection closed by peer|Connection reset by peer|NCCL error: (remote|unhandled system)"
     r"|Broken pipe.*(gloo|nccl)|heartbeat monitor",
     "Another host or process of this job stopped: its failure file and log name the cause."),
    (r"Temporary failure in name resolution|Name or service not known|Network is unreachable"
     r"|EndpointConnectionError|Max retries exceeded|getaddrinfo failed", _NETWORK),
    (r"NoCredentialsError|Unable to locate credentials",
     "The job has no AWS credentials: network isolation takes them away. Read from a channel."),
    (r"Too many open files",
     "Lower num_workers, or use torch.multiprocessing.set_sharing_strategy('file_system')."),
    (r"SIGSEGV|Segmentation fault",
     "A native library crashed: the log shows the Python frames it crashed under."),
)  # fmt: skip
