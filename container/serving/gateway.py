"""The HTTP tier's process: gunicorn with one gevent worker that holds the app and the broker.

Run as `python -m container.serving.gateway LAUNCH`, LAUNCH being a `Launch` in JSON. Both sockets
are inherited, already listening: nothing that connects early is refused.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from container.serving.late_app import LateApp
from container.serving.launch import Launch
from container.serving.settings import Settings

KEEPALIVE_BEHIND_NGINX, KEEPALIVE = 75, 5
HEARTBEAT = 60
CONNECTIONS = 4096


class Gateway(BaseApplication):  # type: ignore[misc]
    """gunicorn, configured by us alone: no file, no command line, no GUNICORN_CMD_ARGS."""

    def __init__(self, settings: Settings, launch: Launch) -> None:
        self.settings = settings
        self.launch = launch
        super().__init__()

    def load_config(self) -> None:
        """gunicorn asks for its options."""
        for name, value in options(self.settings, self.launch).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """gunicorn asks for the WSGI app: in the worker, after gevent has patched the world."""
        import gevent
        from gevent.server import StreamServer

        from container.serving.broker import Broker
        from container.serving.invocations import Invocations
        from container.serving.lanes import Limits
        from container.serving.metrics import Metrics

        launch, settings = self.launch, self.settings
        limits = Limits(
            queue_size=settings.queue_size,
            queue_bytes=launch.queue_bytes,
            max_batch=launch.max_batch,
            batch_delay=launch.batch_delay,
            processes=launch.processes,
            stuck=settings.stuck,
        )
        broker = Broker(limits)
        metrics = Metrics() if settings.metrics else None
        core = Invocations(settings, broker, metrics)
        attend: Callable[..., None] = broker.attend
        if settings.multi_model:
            from container.serving.models import Models
            from container.serving.models_api import NoModel

            models = Models(settings, limits, metrics, launch.memory, launch.cores)
            core, attend = NoModel(settings, broker, metrics, models), models.attend
        listener = socket.socket(fileno=os.dup(launch.broker_fd))
        StreamServer(listener, attend).start()
        gevent.spawn(_watch, broker)
        gc.collect()
        gc.freeze()  # what is here stays: collections need not look at it while requests wait
        return LateApp(core)


def _watch(broker: Any) -> None:
    import gevent

    while True:
        gevent.sleep(1.0)
        broker.kill_stuck()


def options(settings: Settings, launch: Launch) -> dict[str, object]:
    """gunicorn's options."""
    return {
        "bind": f"fd://{launch.http_fd}",
        "workers": 1,
        "worker_class": "container.serving.http_worker.HttpWorker",
        "worker_connections": CONNECTIONS,
        "worker_tmp_dir": launch.folder,
        "timeout": HEARTBEAT,  # of the event loop, not of a request
        "graceful_timeout": int(settings.drain) + 1,
        "keepalive": KEEPALIVE_BEHIND_NGINX if launch.behind_nginx else KEEPALIVE,
        "control_socket_disable": True,
        "loglevel": "warning",
        "errorlog": "-",
        "proc_name": "byoa-gateway",
    }


def main() -> None:
    """Run until SIGTERM."""
    launch = Launch(**json.loads(sys.argv[1]))
    try:
        Gateway(Settings.from_environment(os.environ), launch).run()
    except SystemExit as ending:
        # Python would take its modules apart now, and gevent's locks complain of that in the log.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ending.code if isinstance(ending.code, int) else 1)


if __name__ == "__main__":
    main()
