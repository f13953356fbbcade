"""Starts nginx and gunicorn, tells when one of them is gone, and stops them in order."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
from dataclasses import dataclass, field

from container.serving import nginx, protocol
from container.serving.child import Child, Command
from container.serving.launch import Launch
from container.serving.log import say
from container.serving.plan import Plan
from container.serving.sockets import listen_at, listen_on_port
from container.serving.surroundings import Surroundings


@dataclass(slots=True)
class HttpTier:
    """nginx, where it is on PATH, and gunicorn: the app and the broker."""

    surroundings: Surroundings
    children: list[Child] = field(default_factory=list)

    def open(self) -> tuple[socket.socket, socket.socket, bool]:
        """Accept connections from here on: gunicorn's socket, the broker's, and is there nginx."""
        around = self.surroundings
        program = shutil.which("nginx") if around.settings.use_nginx else None
        broker = listen_at(around.broker_socket)
        around.give(around.broker_socket)
        if program is None:
            return self._listen(), broker, False
        http = listen_at(around.gateway_socket)
        around.give(around.gateway_socket)
        self._start_nginx(program)
        return http, broker, True

    def _listen(self) -> socket.socket:
        settings = self.surroundings.settings
        return listen_on_port(settings.address, settings.port)

    def _start_nginx(self, program: str) -> None:
        around = self.surroundings
        self._listen().close()  # our sentence, not nginx's, when it is taken
        as_root = os.geteuid() == 0
        if as_root:  # its workers are nobody: let them reach the one socket that is HTTP
            around.folder.chmod(0o711)
            around.gateway_socket.chmod(0o666)
        text = nginx.configure(
            around.settings, around.folder, around.gateway_socket, nginx.Host.look(as_root)
        )
        config = around.folder / "nginx.conf"
        config.write_text(text)
        command = Command(
            "nginx",
            [program, "-p", str(around.folder), "-c", str(config), "-e", "stderr"],
            around.environ,
            parent_death_signal=signal.SIGTERM,
        )
        self.children.append(Child(command))

    def start_gateway(
        self, http: socket.socket, broker: socket.socket, plan: Plan, behind_nginx: bool
    ) -> None:
        """gunicorn; the sockets are its own from here on."""
        launch = Launch(
            http_fd=http.fileno(),
            broker_fd=broker.fileno(),
            behind_nginx=behind_nginx,
            folder=str(self.surroundings.folder),
            processes=len(plan.processes),
            max_batch=plan.max_batch,
            batch_delay=plan.batch_delay,
            queue_bytes=plan.queue_bytes,
            memory=plan.processes[0].memory,
            cores=plan.processes[0].threads,
        )
        command = Command(
            "gunicorn",
            [sys.executable, "-m", "container.serving.gateway", launch.to_json()],
            self.surroundings.environ,
            self.surroundings.identity,
            pass_fds=(launch.http_fd, launch.broker_fd),
            parent_death_signal=signal.SIGTERM,
        )
        self.children.append(Child(command))
        http.close()
        broker.close()

    def watch(self) -> int | None:
        """The exit status of the container when one of the two is gone: nobody can reach us."""
        for child in self.children:
            if not child.alive:
                say(f"{child.command.name} ended ({child.exit_status}): ending the container")
                return child.exit_status or 1
        return None

    def stop(self, child: Child) -> None:
        """Finish what was accepted, accept nothing new."""
        if child.command.name == "nginx":
            child.send(signal.SIGQUIT)
        else:
            child.send_group(signal.SIGTERM)  # gunicorn's worker, too

    def tell_broker_to_drain(self, seconds: float) -> None:
        """From now on /ping says no; what is left when the time is over gets a 503."""
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(1)
                sock.connect(str(self.surroundings.broker_socket))
                protocol.send(sock, {"kind": "drain", "seconds": seconds})
        except OSError as error:
            say(f"the broker could not be told to drain: {error}")
