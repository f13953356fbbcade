"""The sandbox's one process: moto's server with our hooks in front, on loopback.

python -m byoa.sandbox.server FOLDER PORT     (by `byoa sandbox up`, which gives it its keys)
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from pathlib import Path
from typing import Any

from byoa.sandbox import docker_login, environment
from byoa.sandbox import state as states
from byoa.sandbox.state import State


def main(arguments: list[str]) -> None:
    folder, port = Path(arguments[0]), int(arguments[1])
    if states.hold(folder) is None:  # the lock stays ours until this process is gone
        sys.exit(f"a sandbox already runs in {folder}")
    if os.fork():
        os._exit(0)  # whoever started us has not to wait; the lock goes on with the other of us
    state = state_of(folder, port)
    surroundings(state)
    application = make_application(state)
    faulthandler.register(signal.SIGUSR1)  # where its threads are, into the log
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    serve(state, application, ready=lambda: states.write(folder, state))


def state_of(folder: Path, port: int) -> State:
    access_key, secret_key = os.environ.pop("BYOA_SANDBOX_KEYS").split()
    return State(
        pid=os.getpid(),
        port=port,
        region=os.environ["BYOA_SANDBOX_REGION"],
        access_key=access_key,
        secret_key=secret_key,
        token=os.environ["BYOA_SANDBOX"],
        folder=str(folder),
    )


def surroundings(state: State) -> None:
    """What moto reads when it is imported, and what all that we start finds: this sandbox."""
    os.environ.update(environment.variables(state))
    os.environ.update(
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        MOTO_PORT=str(state.port),
        MOTO_DISABLE_GLOBAL_CORS="true",
        MOTO_IAM_LOAD_MANAGED_POLICIES="true",
    )
    os.environ.update(docker_login.for_jobs(state))


def make_application(state: State) -> Any:
    """Our hooks around moto."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from byoa.sandbox import s3
    from byoa.sandbox.doors import DOORS
    from byoa.sandbox.events import rules
    from byoa.sandbox.hooks import Application, Sandbox

    rules.install()
    s3.install()
    return Application(Sandbox(state, DomainDispatcherApplication(create_backend_app)), DOORS)


def serve(state: State, application: Any, ready: Any) -> None:
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    server = make_server(
        "127.0.0.1", state.port, application, threaded=True, request_handler=MotoRequestHandler
    )
    ready()
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
