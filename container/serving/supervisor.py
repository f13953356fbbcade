"""Starts both tiers and keeps them: a short loop of named steps; signals only wake it.

    nginx (where it is on PATH) -> gunicorn: the app and the broker -> model processes

Who dies decides what happens. A model process that was ready: restarted, its requests are answered
by another or by its successor. One that never became ready: the container ends with its exit
status, because the model cannot be loaded. nginx or gunicorn: the container ends, honestly.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from container.family import adopt_orphans, reaped
from container.serving import packages
from container.serving.child import Child, Forked, children
from container.serving.http_tier import HttpTier
from container.serving.log import say
from container.serving.model_tier import ModelTier
from container.serving.plan import folder_size, make_plan, plan_for_many
from container.serving.resources import measure
from container.serving.settings import MIB, Settings, SettingsError, misspelt
from container.serving.surroundings import Surroundings, survey

STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
SIGNALS = (signal.SIGCHLD, *STOP)
TICK = 0.25
TMP = "/tmp"
DRAIN_TICK = 0.05
# What comes after the drain, in seconds: nginx forwards the last answers, model processes leave.
LAST_ANSWERS, LAST_WORDS = 2.0, 1.0


class Supervisor:
    """All processes of one `serve`."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.http = HttpTier(surroundings)
        self.models: ModelTier | None = None
        self.installer: Child | None = None

    def run(self) -> int:
        """Serve until told to stop or until it cannot go on; gives the exit status."""
        adopt_orphans()
        try:
            models = self.start()
            status = self.install()
            if status is not None:
                return status
            models.start_due()
            while True:
                if self.wait(TICK):
                    return self.drain(models)
                status = self.http.watch() or models.watch()
                if status is not None:
                    return status
                models.start_due()
        finally:
            self.end_all()

    def start(self) -> ModelTier:
        """HTTP first, so that connections are accepted at once; then what to start of models."""
        settings, environ = self.surroundings.settings, self.surroundings.environ
        http, broker, behind_nginx = self.http.open()
        resources = measure(environ)
        if settings.multi_model:
            plan = plan_for_many(settings, resources)
            say(f"models: {plan.processes[0].memory // MIB} MiB for all; port {settings.port}")
        else:
            plan = make_plan(settings, resources, folder_size(settings.root.model))
            say(f"{plan.describe()}; {resources.cores:g} cores; port {settings.port}")
        self.http.start_gateway(http, broker, plan, behind_nginx)
        self.models = ModelTier(self.surroundings, plan)
        return self.models

    def install(self) -> int | None:
        """What the model's code asks for; an exit status when we have to end."""
        file = packages.wanted(self.surroundings.settings)
        if file is None:
            return None
        say(f"installing {file}")
        self.installer = Child(packages.command(file, self.surroundings))
        while self.installer.alive:
            if self.wait(TICK):
                return 0
            status = self.http.watch()
            if status is not None:
                return status
        if self.installer.exit_status:
            say(packages.sentence(file))
        return self.installer.exit_status or None

    def wait(self, seconds: float) -> bool:
        """Sleep until a signal or a tick, collect the dead; True when we are to stop."""
        info = signal.sigtimedwait(SIGNALS, seconds)
        self.reap()
        return info is not None and info.si_signo in STOP

    def reap(self) -> None:
        """Collect every dead child, ours or adopted."""
        for pid, status in reaped():
            child = self.child(pid)
            if child is None and self.models is not None:
                self.models.learn()  # it may have been forked for us a moment ago
                child = self.child(pid)
            if child is not None:
                child.ended(status)

    def child(self, pid: int) -> Forked | None:
        """Our process of this number; none if it is an orphan that we adopted."""
        return next((child for child in self.children() if child.pid == pid), None)

    def children(self) -> list[Forked]:
        """The processes that we started and that are not buried."""
        pip = [self.installer] if self.installer and self.installer.alive else []
        return [*self.http.children, *(self.models.children if self.models else []), *pip]

    def drain(self, models: ModelTier) -> int:
        """Answer everything accepted, nothing new, within the time that SageMaker leaves us."""
        seconds = self.surroundings.settings.drain
        say(f"stopping: answering what was accepted, {seconds:g} s at most")
        end = time.monotonic() + seconds + LAST_ANSWERS
        models.stopping = True
        self.http.tell_broker_to_drain(seconds)
        for child in self.http.children:  # nginx first: nothing new reaches gunicorn then
            told = -math.inf
            while child.alive and time.monotonic() < end:
                if time.monotonic() > told + 1:  # and again: one that just starts may not hear
                    self.http.stop(child)
                    told = time.monotonic()
                if self.wait(DRAIN_TICK):
                    end = time.monotonic()  # told again: hurry
                if models.watch() is None:
                    models.start_due()
        for process in models.children:
            process.send(signal.SIGTERM)
        end = time.monotonic() + LAST_WORDS
        while any(child.alive for child in models.children) and time.monotonic() < end:
            self.wait(DRAIN_TICK)
        return 0

    def end_all(self) -> None:
        """Nothing of ours is left when we return, not even what children of children started."""
        for child in self.children():
            child.send_group(signal.SIGKILL)
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
            signal.sigtimedwait((signal.SIGCHLD,), DRAIN_TICK)


def private_folder() -> Path:
    """A folder for sockets and buffers: in /tmp, where names are short and nginx's user gets in."""
    place = TMP if os.access(TMP, os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="byoa-serve-", dir=place))


def main() -> int:
    """`serve`: gives the exit status."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # they wait for `Supervisor.wait`
    environ = dict(os.environ)
    try:
        settings = Settings.from_environment(environ)
        for name, known in misspelt(environ):
            say(f"{name} is no setting: did you mean {known}?")
        folder = private_folder()
        try:
            return Supervisor(survey(settings, folder, environ)).run()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except SettingsError as error:
        say(str(error))
        return 2


if __name__ == "__main__":
    sys.exit(main())
