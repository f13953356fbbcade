"""The bounded queue between the tiers: micro-batches, deadlines, and what happens to a request
whose model process dies.

It lives in the one gunicorn worker, on gevent: nothing here waits but the request itself, in
`Broker.ask`. Model processes check in over a unix socket; each is a `Lane`. A request that was
being computed when its process died is computed once more, alone, elsewhere; if that one dies,
too, the request is to blame and is answered.
"""

from __future__ import annotations

import itertools
import math
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import gevent

from container.serving import protocol
from container.serving.answers import Answer, error
from container.serving.lanes import Job, Lane, Limits, OverloadedError
from container.serving.log import say
from container.serving.metrics import Dispatched
from container.serving.protocol import Head
from container.serving.received import IN_MEMORY, Whole

MAX_TRIES = 2
MAX_ANSWER = 1 << 40
TICK = 0.05  # how exactly deadlines are kept: one clock for all, not a timer for each request
MOST_PIECES = 1000  # of one system call (IOV_MAX is 1024)
STUCK = "still computes what nobody waits for any more (BYOA_STUCK_SECONDS)"
SEND_BUFFER = 1 << 20  # a whole picture, where the kernel allows it


class Broker:
    """Queue and lanes."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.lanes: list[Lane] = []
        self.waiting: deque[Job] = deque()
        self.asked: dict[int, Job] = {}
        self.was_ready = False
        self.draining_until = math.inf
        self.held_bytes = 0
        self.counted = Dispatched()
        self._ids = itertools.count(1)
        self._seconds_each = 0.1  # a moving average, for Retry-After
        self._timer: gevent.Greenlet | None = None
        self._clock: gevent.Greenlet | None = None

    # -- what the HTTP side asks ------------------------------------------------------------

    def health(self) -> tuple[bool, str, str]:
        """(ready, code, reason). Ready from when all processes are, as long as one is."""
        if self.draining_until != math.inf:
            return False, "draining", "the server is shutting down"
        ready = sum(lane.ready for lane in self.lanes)
        if self.was_ready and ready:
            return True, "ready", ""
        lanes = sorted(self.lanes, key=lambda lane: lane.index)
        states = ", ".join(lane.describe() for lane in lanes)
        code = "restarting" if self.was_ready else "loading"
        count = f"{ready} of {self.limits.processes} model processes are ready"
        return False, code, f"{count} ({states or 'starting'})"

    @property
    def accepting(self) -> bool:
        """Whether a request can hope for an answer: not before a first process is ready."""
        return self.was_ready or any(lane.ready for lane in self.lanes)

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        """Memory for a body of `size` bytes while it is here, or an OverloadedError."""
        size = size if size <= IN_MEMORY else 0  # it lies in a file
        self._refuse_when_full()
        if self.held_bytes and self.held_bytes + size > self.limits.queue_bytes:
            raise self._overloaded()
        self.held_bytes += size
        try:
            yield
        finally:
            self.held_bytes -= size

    def _refuse_when_full(self) -> None:
        if len(self.waiting) >= self.limits.queue_size and not self._idle():
            raise self._overloaded()

    def _overloaded(self) -> OverloadedError:
        """How long the queue will take, as far as we can know."""
        lanes = sum(lane.ready for lane in self.lanes) or 1
        seconds = len(self.waiting) * self._seconds_each / lanes
        return OverloadedError(min(60, max(1, math.ceil(seconds))))

    def _idle(self) -> bool:
        return any(lane.ready and not lane.busy for lane in self.lanes)

    def ask(self, head: Head, body: Whole, deadline: float) -> Answer:
        """Queue one request and wait for its answer, at the longest until its deadline."""
        self._refuse_when_full()
        self._clock = self._clock or gevent.spawn(self._keep_deadlines)
        now = time.monotonic()
        job = Job(next(self._ids), {**head, "deadline": deadline}, body, deadline, now)
        self.asked[job.id] = job
        self.waiting.append(job)
        self._pump()
        try:
            return cast(Answer, job.answer.get())
        finally:
            del self.asked[job.id]
            if not job.sent and job in self.waiting:
                self.waiting.remove(job)

    def _keep_deadlines(self) -> None:
        """Answer those for whom the time is over, for as long as we live."""
        while True:
            gevent.sleep(TICK)
            self._answer_late()  # a loop here would keep the last job, and its body, for ever

    def _answer_late(self) -> None:
        now = time.monotonic()
        for job in self.asked.values():
            if now >= min(job.deadline, self.draining_until) and not job.answer.ready():
                job.answer.set(self._give_up(job))

    def _give_up(self, job: Job) -> Answer:
        if time.monotonic() >= self.draining_until:
            return error(503, "draining", "the server shut down first", {"Retry-After": "5"})
        where = "computing" if job.sent else "waiting for a model process"
        waited = time.monotonic() - job.queued
        return error(504, "deadline", f"no answer after {waited:.1f} s: still {where}")

    def drain(self, seconds: float) -> None:
        """Answer what is here within `seconds`; /ping says no from now on."""
        self.draining_until = min(self.draining_until, time.monotonic() + seconds)

    # -- lanes --------------------------------------------------------------------------------

    def attend(
        self,
        sock: socket.socket,
        address: object = None,
        reader: protocol.Reader | None = None,
        first: Head | None = None,
    ) -> None:
        """Serve one connection of a model process, or of the supervisor, to its end.

        Whoever has read its first message already hands that on, and the reader.
        """
        peer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        lane = Lane(sock, int.from_bytes(peer[:4], "little"))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        reader = reader or protocol.Reader(sock, MAX_ANSWER)
        try:
            if first is not None:
                self._hear(lane, first, b"")
            while True:
                self._hear(lane, *reader.receive())
        except (protocol.PeerGoneError, protocol.ProtocolError, OSError):
            pass
        finally:
            self._lose(lane)
            sock.close()

    def _hear(self, lane: Lane, head: Head, body: bytes) -> None:
        kind = head["kind"]
        if kind == "answer":
            self._finish(lane, head, body)
        elif kind == "drain":
            self.drain(head["seconds"])
        elif kind == "state":
            if lane not in self.lanes:
                self.lanes.append(lane)
            lane.index, lane.state = head["index"], head["state"]
            lane.reason, lane.batches = head.get("reason", ""), head.get("batches", False)
            ready = sum(each.ready for each in self.lanes)
            self.was_ready = self.was_ready or ready >= self.limits.processes
            self._pump()

    def _finish(self, lane: Lane, head: Head, body: bytes) -> None:
        job = lane.busy.pop(head["id"], None)
        if head["leaving"]:
            lane.state = "leaving"
        self._pump()  # first: the process waits, and its answer can
        if job is not None and not job.answer.ready():
            times = {"queue": round((job.sent - job.queued) * 1000, 3), **head["times"]}
            spent = time.monotonic() - job.sent
            self._seconds_each += 0.1 * (spent - self._seconds_each)
            job.answer.set(
                Answer(head["status"], body, head["content_type"], head["headers"], times)
            )

    def _lose(self, lane: Lane) -> None:
        """A process went away: what it was computing is tried once more, or answered."""
        if lane in self.lanes:
            self.lanes.remove(lane)
            self.counted.restarts["replaced" if lane.state == "leaving" else "died"] += 1
        lane.state = "gone"
        now = time.monotonic()
        for job in reversed(list(lane.busy.values())):
            if job.tries < MAX_TRIES and now < job.deadline:
                job.sent = 0.0
                self.waiting.appendleft(job)
            elif not job.answer.ready():
                message = "the model process died while it computed this request"
                job.answer.set(error(500, "model_process_died", message))
        lane.busy.clear()
        self._pump()

    def kill_stuck(self) -> None:
        """Kill processes that compute what nobody waits for any more; the supervisor restarts.

        Asked a second time: the first time they tell the log where they are.
        """
        for lane in self.lanes:
            if not self._is_stuck(lane):
                continue
            if not lane.condemned:
                say(f"model process {lane.index} {STUCK}, and is killed; where it is now:")
            os.kill(lane.pid, signal.SIGKILL if lane.condemned else protocol.SHOW_FRAMES)
            lane.condemned = True

    def _is_stuck(self, lane: Lane) -> bool:
        last = max((job.deadline for job in lane.busy.values()), default=math.inf)
        return time.monotonic() > last + self.limits.stuck

    # -- dispatch -----------------------------------------------------------------------------

    def _pump(self) -> None:
        """Give waiting requests to idle lanes. Never switches greenlets, so it needs no lock."""
        now = time.monotonic()
        while self.waiting and self.waiting[0].deadline <= now:
            self.waiting.popleft()
        for lane in self.lanes:
            if not self.waiting:
                return
            if lane.ready and not lane.busy:
                batch = self._take(self.limits.max_batch if lane.batches else 1, now)
                if not batch:
                    return
                self.counted.batch_sizes[len(batch)] += 1
                for job in batch:
                    job.tries += 1
                    job.sent = now
                    lane.busy[job.id] = job
                self._send(lane, batch)

    def _take(self, size: int, now: float) -> list[Job]:
        """The next batch; empty while it is worth waiting for more."""
        first = self.waiting[0]
        if first.tries:  # its process died: alone, so that it cannot harm others
            return [self.waiting.popleft()]
        left = first.queued + self.limits.batch_delay - now
        if len(self.waiting) < size and left > 0:
            if self._timer is None or self._timer.ready():
                self._timer = gevent.spawn_later(left, self._pump)
            return []
        batch: list[Job] = []
        while self.waiting and len(batch) < size and not self.waiting[0].tries:
            job = self.waiting.popleft()
            if job.deadline > now:
                batch.append(job)
        return batch

    def _send(self, lane: Lane, batch: list[Job]) -> None:
        """At once what the socket takes, the rest as it takes more."""
        pieces: list[protocol.Body] = []
        for position, job in enumerate(batch):
            head = {**job.head, "id": job.id}
            if position == 0:
                head["following"] = len(batch) - 1
            pieces += protocol.frame(head, job.body)
        try:
            sent = lane.sock.sendmsg(pieces[:MOST_PIECES], (), socket.MSG_DONTWAIT)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # the reader notices, too, and knows what to do with the batch
        if sent < sum(map(len, pieces)):
            gevent.spawn(_send_rest, lane.sock, pieces, sent)


def _send_rest(sock: socket.socket, pieces: list[protocol.Body], sent: int) -> None:
    try:
        for piece in pieces:
            if sent < len(piece):
                sock.sendall(memoryview(piece)[sent:])
            sent = max(0, sent - len(piece))
    except OSError:
        pass
