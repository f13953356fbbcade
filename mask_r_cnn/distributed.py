"""All GPUs of all hosts: starting one process each, and what they have to agree on.

A rank is one process with one device. Ranks talk twice: gradients over NCCL (gloo on the
CPU), and decisions (stop? failed? whose classes?) over a gloo group of their own, which
notices at once when a peer is gone; NCCL alone would wait for half an hour.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import TrainingError

if TYPE_CHECKING:
    import torch

_PORT = 29571
_PR_SET_PDEATHSIG = 1
# How long a rank waits for the others to start, and then for one that is judging or reporting.
_JOIN, _TIMEOUT = timedelta(minutes=10), timedelta(minutes=30)
_ERROR_FILE = "BYOA_RANK_ERROR"


@dataclass(frozen=True)
class Layout:
    """How many ranks there are, and which one this process is."""

    rank: int
    world_size: int
    local_rank: int

    @property
    def leader(self) -> bool:
        """Whether this rank writes metrics, checkpoints and the model."""
        return self.rank == 0


@dataclass(frozen=True)
class Cluster:
    """The hosts of the job and the ranks that each should run."""

    hosts: tuple[str, ...]
    current_host: str
    ranks_per_host: int

    @property
    def world_size(self) -> int:
        """All ranks of all hosts."""
        return len(self.hosts) * self.ranks_per_host


def cluster_of(environ: Mapping[str, str]) -> Cluster:
    """The cluster of SM_HOSTS, SM_CURRENT_HOST and SM_NUM_GPUS; one host without them."""
    hosts = tuple(json.loads(environ.get("SM_HOSTS") or '["localhost"]'))
    current = environ.get("SM_CURRENT_HOST") or hosts[0]
    gpus = int(environ.get("SM_NUM_GPUS") or 0)
    ranks = int(environ.get("BYOA_RANKS_PER_HOST") or max(1, gpus))
    return Cluster(hosts, current, ranks)


def is_rank(environ: Mapping[str, str]) -> bool:
    """Whether a launcher (this one or torchrun) started this process as one of several ranks."""
    return "RANK" in environ and "WORLD_SIZE" in environ


def rank_environment(cluster: Cluster, local_rank: int) -> dict[str, str]:
    """What torch.distributed reads, for one rank of this host."""
    rank = cluster.hosts.index(cluster.current_host) * cluster.ranks_per_host + local_rank
    master = "127.0.0.1" if len(cluster.hosts) == 1 else cluster.hosts[0]
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(local_rank),
        "LOCAL_WORLD_SIZE": str(cluster.ranks_per_host),
        "WORLD_SIZE": str(cluster.world_size),
        "MASTER_ADDR": os.environ.get("MASTER_ADDR", master),
        "MASTER_PORT": os.environ.get("MASTER_PORT", str(_PORT)),
    }


def launch(program: Path, arguments: Sequence[str], cluster: Cluster) -> int:
    """Run this host's ranks to their end; the first that fails ends the others.

    Raises TrainingError with that rank's own message. SIGTERM goes to every rank.
    """
    with tempfile.TemporaryDirectory(prefix="ranks-") as folder:
        errors = [Path(folder) / str(index) for index in range(cluster.ranks_per_host)]
        ranks = [
            subprocess.Popen(
                [sys.executable, "-u", str(program), *arguments],
                env={**os.environ, **rank_environment(cluster, index), _ERROR_FILE: str(error)},
                preexec_fn=_die_with_parent,  # noqa: PLW1509 (no thread runs yet)
            )
            for index, error in enumerate(errors)
        ]
        previous = signal.signal(signal.SIGTERM, lambda *_: _terminate(ranks))
        try:
            failed = _wait(ranks)
        finally:
            signal.signal(signal.SIGTERM, previous)
            _end(ranks)
        if failed is None:
            return 0
        raise TrainingError(_message(failed, ranks, errors))


def _die_with_parent() -> None:
    """Ask Linux to kill this process when its parent is killed: no rank is left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait(ranks: Sequence[subprocess.Popen[bytes]]) -> int | None:
    """The index of the first rank that failed, None when all ended well."""
    while True:
        codes = [rank.poll() for rank in ranks]
        for index, code in enumerate(codes):
            if code not in (None, 0):
                return index
        if all(code == 0 for code in codes):
            return None
        time.sleep(0.1)


def _terminate(ranks: Sequence[subprocess.Popen[bytes]]) -> None:
    for rank in ranks:
        rank.terminate()


def _end(ranks: Sequence[subprocess.Popen[bytes]]) -> None:
    """Kill what is left: a rank whose peer is gone has nothing to save."""
    time.sleep(0.0 if all(rank.poll() is not None for rank in ranks) else 1.0)
    for rank in ranks:
        if rank.poll() is None:
            rank.kill()
        rank.wait()


def _message(first: int, ranks: Sequence[subprocess.Popen[bytes]], errors: Sequence[Path]) -> str:
    """The failing rank's own words; a rank that only lost its peer is not the cause."""
    written = [(i, e.read_text(encoding="utf-8")) for i, e in enumerate(errors) if e.is_file()]
    causes = [text for _, text in written if not text.startswith(PEER_LOST)]
    if causes:
        return causes[0]
    if written:
        return written[0][1]
    code = ranks[first].returncode
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    hint = " (usually out of memory: lower batch_size)" if code == -signal.SIGKILL else ""
    return f"rank {first} of this host {how}{hint}; its log is above"


PEER_LOST = "another rank of the job ended"


def tell_launcher(message: str) -> None:
    """Leave this rank's failure where `launch` finds it."""
    path = os.environ.get(_ERROR_FILE)
    if path:
        Path(path).write_text(message, encoding="utf-8")


class Ranks:
    """The ranks of a job as one of them sees the others; also works when it is alone."""

    def __init__(self, layout: Layout, device: torch.device) -> None:
        self.layout = layout
        self.device = device
        self._decisions: Any = None
        if layout.world_size > 1:
            self._join()

    def _join(self) -> None:
        import torch.distributed as dist

        backend = "nccl" if self.device.type == "cuda" else "gloo"
        try:
            dist.init_process_group(
                backend, rank=self.layout.rank, world_size=self.layout.world_size, timeout=_JOIN
            )
            self._decisions = dist.new_group(backend="gloo", timeout=_TIMEOUT)
        except (RuntimeError, ValueError) as error:
            where = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
            raise TrainingError(
                f"rank {self.layout.rank} of {self.layout.world_size} could not join the others "
                f"at {where}: {str(error).splitlines()[0]}. All hosts must run the job and "
                "reach the first one."
            ) from error

    def share_failure(self, mine: str | None) -> None:
        """Tell the others why this rank can't go on (None: it can); TrainingError if one can't."""
        for rank, theirs in enumerate(self.gather(mine)):
            if theirs is not None and rank != self.layout.rank:
                raise TrainingError(f"{PEER_LOST}: rank {rank} said: {theirs}")

    def any(self, flag: bool) -> bool:
        """Whether any rank says so; every rank gets the same answer."""
        if self._decisions is None:
            return flag
        import torch
        import torch.distributed as dist

        value = torch.tensor([int(flag)])
        dist.all_reduce(value, op=dist.ReduceOp.MAX, group=self._decisions)
        return bool(value.item())

    def largest(self, number: int) -> int:
        """The largest of all ranks' numbers."""
        return int(max(self.gather(number)))

    def gather(self, value: Any) -> list[Any]:
        """Every rank's value in the order of ranks, on every rank."""
        if self._decisions is None:
            return [value]
        import torch.distributed as dist

        values: list[Any] = [None] * self.layout.world_size
        dist.all_gather_object(values, value, group=self._decisions)
        return values

    def from_leader(self, value: Any) -> Any:
        """The leader's value on every rank."""
        if self._decisions is None:
            return value
        import torch.distributed as dist

        box = [value]
        dist.broadcast_object_list(box, src=0, group=self._decisions)
        return box[0]

    def leave(self) -> None:
        """End the group, so that no peer waits for this rank."""
        if self._decisions is not None:
            import torch.distributed as dist

            dist.destroy_process_group()
            self._decisions = None


def layout_of(environ: Mapping[str, str]) -> Layout:
    """This process's place, from the variables of torchrun or `launch`; alone without them."""
    if not is_rank(environ):
        return Layout(0, 1, 0)
    return Layout(
        int(environ["RANK"]), int(environ["WORLD_SIZE"]), int(environ.get("LOCAL_RANK", 0))
    )


def lost_peer(error: BaseException) -> bool:
    """Whether an error only says that another rank went away."""
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        sign in text
        for sign in ("connection closed by peer", "connection reset by peer", "gloo", "nccl")
    )
