"""Starts both tiers and keeps them: a short loop of named steps; signals only wake it.

    nginx (where it is on PATH) -> gunicorn: the app and the broker -> model processes

Who dies decides what happens. A model process that was ready: restarted, its requests are answered
by another or by its successor. One that never became ready: the container ends with its exit
status, because the model cannot be loaded. nginx or gunicorn: the container ends, honestly.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from container.serving import nginx, protocol
from container.serving.child import Child, Command, adopt_orphans, children
from container.serving.handler import candidates
from container.serving.launch import Launch
from container.serving.log import say
from container.serving.model_process import RECYCLE
from container.serving.plan import ModelProcess, Plan, folder_size, make_plan
from container.serving.privileges import Decision, decide
from container.serving.resources import measure
from container.serving.settings import Settings, SettingsError

SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
TICK = 0.25
BACKLOG = 2048
LONGEST_BACKOFF = 30.0
LASTING = 60.0  # a process that served this long starts again with no delay
MAX_LOAD_FAILURES = 5
MODEL_NICENESS = 5  # /ping and the broker come first when every core computes
PACKAGE_ROOT = Path(__file__).resolve().parents[2]
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TORCH_NUM_THREADS",
)


@dataclass(slots=True)
class Slot:
    """A place for one model process, and its history."""

    spec: ModelProcess
    child: Child | None = None
    ready_fd: int = -1
    started: float = 0.0
    failures: int = 0
    start_at: float = 0.0
    ever_ready: bool = False


@dataclass(slots=True)
class Supervisor:
    """All processes of one `serve`."""

    settings: Settings
    folder: Path
    environ: dict[str, str]
    decision: Decision = field(init=False)
    plan: Plan = field(init=False)
    front: list[Child] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    exit_status: int | None = None
    stopping: bool = False

    # -- start ----------------------------------------------------------------------------------

    def run(self) -> int:
        """Serve until told to stop; gives the exit status."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        adopt_orphans()
        try:
            self.start()
            while self.exit_status is None and not self.stopping:
                self.step()
            if self.stopping:
                self.drain()
        finally:
            self.end_all()
        return self.exit_status or 0

    def start(self) -> None:
        """HTTP first, so that connections are accepted at once; then the model processes."""
        program = shutil.which("nginx") if self.settings.use_nginx else None
        self.decide_user()
        http = self._listen(self.folder / "gateway.sock" if program else None)
        broker = self._listen(self.folder / "broker.sock")
        if program:
            self.start_nginx(program)
        resources = measure(self.environ)
        self.plan = make_plan(self.settings, resources, folder_size(self.settings.root.model))
        say(f"{self.plan.describe()}; {resources.cores:g} cores; port {self.settings.port}")
        self.start_gateway(http, broker, bool(program))
        self.slots = [Slot(spec) for spec in self.plan.processes]
        self.start_models()

    def decide_user(self) -> None:
        """Drop root for everything below us, and give that user our folder."""
        needed = [Path(sys.executable), PACKAGE_ROOT / "container", self.settings.root.model]
        needed += [path.parent for path in candidates(self.settings) if path.is_file()][:1]
        self.decision = decide(needed)
        if self.decision.reason:
            say(f"serving as root: {self.decision.reason}. Make it readable to run without root.")
        identity = self.decision.identity
        if identity:
            os.chown(self.folder, identity.uid, identity.gid)
        home = self.environ.get("HOME", "")
        if identity or not os.access(home, os.W_OK):
            self.environ["HOME"] = str(self.folder)
        paths = [str(PACKAGE_ROOT), self.environ.get("PYTHONPATH", "")]
        self.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
        self.environ["PYTHONUNBUFFERED"] = "1"

    def _listen(self, path: Path | None) -> socket.socket:
        """A listening socket: a unix one at `path`, or the port itself."""
        if path is None:
            return listen_on_port(self.settings.port)
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(path))
        identity = self.decision.identity
        if identity:
            os.chown(path, identity.uid, identity.gid)
        sock.listen(BACKLOG)
        return sock

    def start_nginx(self, program: str) -> None:
        """nginx on the port; its workers are never root."""
        listen_on_port(self.settings.port).close()  # our sentence, not nginx's, when it is taken
        as_root = os.geteuid() == 0
        if as_root:  # its workers are nobody: let them reach the one socket that is HTTP
            self.folder.chmod(0o711)
            (self.folder / "gateway.sock").chmod(0o666)
        text = nginx.configure(self.settings, self.folder, self.folder / "gateway.sock", as_root)
        config = self.folder / "nginx.conf"
        config.write_text(text)
        command = Command(
            "nginx",
            [program, "-p", str(self.folder), "-c", str(config), "-e", "stderr"],
            self.environ,
            parent_death_signal=signal.SIGTERM,
        )
        self.front.append(Child(command))

    def start_gateway(self, http: socket.socket, broker: socket.socket, behind_nginx: bool) -> None:
        """gunicorn with the app and the broker; the sockets are its own from here on."""
        launch = Launch(
            http_fd=http.fileno(),
            broker_fd=broker.fileno(),
            behind_nginx=behind_nginx,
            folder=str(self.folder),
            processes=len(self.plan.processes),
            max_batch=self.plan.max_batch,
            batch_delay=self.plan.batch_delay,
            queue_bytes=self.plan.queue_bytes,
        )
        command = Command(
            "gunicorn",
            [sys.executable, "-m", "container.serving.gateway", launch.to_json()],
            self.environ,
            self.decision.identity,
            pass_fds=(http.fileno(), broker.fileno()),
            parent_death_signal=signal.SIGTERM,
        )
        self.front.append(Child(command))
        http.close()
        broker.close()

    def start_models(self) -> None:
        """Start every slot that is empty and whose back-off is over."""
        now = time.monotonic()
        for slot in self.slots:
            if slot.child is None and now >= slot.start_at:
                self._start_model(slot)

    def _start_model(self, slot: Slot) -> None:
        spec = slot.spec
        environ = dict(self.environ)
        for name in THREAD_VARIABLES:
            environ[name] = str(spec.threads)
        if spec.gpu is not None:
            environ["CUDA_VISIBLE_DEVICES"] = spec.gpu
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        arguments = [str(spec.index), str(self.folder / "broker.sock"), str(spec.memory)]
        command = Command(
            f"model process {spec.index}",
            [sys.executable, "-m", "container.serving.model_process", *arguments, str(writer)],
            environ,
            self.decision.identity,
            pass_fds=(writer,),
            niceness=MODEL_NICENESS,
        )
        slot.child, slot.ready_fd, slot.started = Child(command), reader, time.monotonic()
        os.close(writer)

    # -- the loop -------------------------------------------------------------------------------

    def step(self, wait: float = TICK) -> None:
        """Wait for a signal or a tick, then see who died and who is to start."""
        info = signal.sigtimedwait(SIGNALS, wait)
        if info is not None and info.si_signo in STOP:
            self.stopping = True
            return
        self.reap()
        self.watch_front()
        self.watch_models()
        if self.exit_status is None:
            self.start_models()

    def reap(self) -> None:
        """Collect every dead child, ours or adopted."""
        ours = {child.popen.pid: child for child in self._all_children()}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in ours:
                ours[pid].ended(status)

    def watch_front(self) -> None:
        """Without nginx or gunicorn there is nothing to reach: end, and say who died."""
        for child in self.front:
            if not child.alive and self.exit_status is None:
                say(f"{child.command.name} ended ({child.exit_status}): ending the container")
                self.exit_status = child.exit_status or 1

    def watch_models(self) -> None:
        """Decide about model processes that died."""
        for slot in self.slots:
            if slot.child is not None and not slot.child.alive:
                self._bury(slot, slot.child)

    def _bury(self, slot: Slot, child: Child) -> None:
        child.kill_group()
        was_ready = _read_ready(slot.ready_fd)
        status = child.exit_status or 0
        slot.child = None
        slot.ever_ready = slot.ever_ready or was_ready
        slot.failures = 0 if was_ready and status == RECYCLE else slot.failures + 1
        if was_ready and time.monotonic() - slot.started > LASTING:
            slot.failures = 0
        if not was_ready and (not slot.ever_ready or slot.failures >= MAX_LOAD_FAILURES):
            say(f"{child.command.name} could not load the model{describe(status)}: ending")
            self.exit_status = status or 1
            return
        delay = min(LONGEST_BACKOFF, 2.0 ** (slot.failures - 2)) if slot.failures > 1 else 0.0
        slot.start_at = time.monotonic() + delay
        if status != RECYCLE:
            say(f"{child.command.name} died{describe(status)}: restarting it in {delay:g} s")

    def _all_children(self) -> list[Child]:
        models = [slot.child for slot in self.slots if slot.child is not None]
        return [*self.front, *models]

    # -- the end --------------------------------------------------------------------------------

    def drain(self) -> None:
        """Answer everything accepted, nothing new, within the time that SageMaker leaves us."""
        say(f"stopping: answering what was accepted, {self.settings.drain:g} s at most")
        end = time.monotonic() + self.settings.drain
        self.tell_broker()
        for child in self.front:  # nginx first: nothing new reaches gunicorn then
            child.send(signal.SIGQUIT if child.command.name == "nginx" else signal.SIGTERM)
            self.stopping = False
            while child.alive and time.monotonic() < end + 2 and not self.stopping:
                self.step_draining()
        self.exit_status = 0
        for slot in self.slots:
            if slot.child is not None:
                slot.child.send(signal.SIGTERM)
        end = time.monotonic() + 1
        while any(child.alive for child in self._all_children()) and time.monotonic() < end:
            signal.sigtimedwait(SIGNALS, 0.1)
            self.reap()

    def step_draining(self) -> None:
        """Keep the model processes going while requests are being answered."""
        info = signal.sigtimedwait(SIGNALS, 0.05)
        self.stopping = info is not None and info.si_signo in STOP
        self.reap()
        self.watch_models()
        self.start_models()

    def tell_broker(self) -> None:
        """From now on /ping says no; what is left when the time is over gets a 503."""
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(1)
                sock.connect(str(self.folder / "broker.sock"))
                protocol.send(sock, {"kind": "drain", "seconds": self.settings.drain})
        except OSError as error:
            say(f"the broker could not be told to drain: {error}")

    def end_all(self) -> None:
        """Nothing of ours is left when we return, not even what children of children started."""
        for child in self._all_children():
            child.kill_group()
        for _ in range(100):
            self.reap()
            left = children()
            if not left:
                return
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            signal.sigtimedwait((signal.SIGCHLD,), 0.05)


def listen_on_port(port: int) -> socket.socket:
    """The port, listening on all addresses; a sentence when it is taken."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("0.0.0.0", port))
    except OSError as error:
        sock.close()
        raise SettingsError(
            f"port {port} cannot be used: {error.strerror} - set SAGEMAKER_BIND_TO_PORT"
        ) from None
    sock.listen(BACKLOG)
    return sock


def describe(status: int) -> str:
    """An exit status in words."""
    if status == 128 + signal.SIGKILL:
        return " (killed; was it out of memory? Fewer processes: SAGEMAKER_MODEL_SERVER_WORKERS)"
    if status > 128:
        return f" (signal {status - 128})"
    return f" (exit status {status})"


def _read_ready(fd: int) -> bool:
    try:
        return os.read(fd, 1) == b"r"
    except BlockingIOError:  # a grandchild still holds the other end
        return False
    finally:
        os.close(fd)


def main() -> int:
    """`serve`: gives the exit status."""
    try:
        settings = Settings.from_environment(os.environ)
        folder = Path(tempfile.mkdtemp(prefix="byoa-serve-"))
        try:
            return Supervisor(settings, folder, dict(os.environ)).run()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except SettingsError as error:
        say(str(error))
        return 2


if __name__ == "__main__":
    sys.exit(main())
