"""Where a project runs: AWS, the sandbox, docker or plain processes, behind one set of objects."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from byoa.files import home
from byoa.plan.bucket import default_bucket
from byoa.plan.errors import ByoaError, UsageError
from byoa.plan.storage import Storage
from byoa.settings import Settings

PLACES = ("sagemaker", "sandbox", "docker", "process")
LOCAL = ("docker", "process")
#: What stands for an ARN where nobody checks one.
LOCAL_ROLE = "arn:aws:iam::000000000000:role/byoa-local"
LOCAL_REGION = "us-east-1"


@dataclass(frozen=True)
class Place:
    """boto3's methods, whoever answers them, and the storage that goes with them."""

    name: str
    storage: Storage  #: its base is the bucket (and prefix): plan.layout adds project and task
    sagemaker: Any
    runtime: Any
    logs: Any
    session: Any = None  #: byoa.aws.session.Session; None in docker and process
    role: str = ""  #: as byoa.toml or --role gives it; "" = make or find the project's
    region: str = LOCAL_REGION

    @property
    def is_local(self) -> bool:
        """The job runs on this machine, whoever was asked: nothing here costs money."""
        return self.name != "sagemaker"


def open_place(settings: Settings) -> Place:
    """The place that the settings name; without a name AWS if there are credentials, else here."""
    on = settings.on or default_place(settings)
    if on not in PLACES:
        raise UsageError(f"There is no place {on!r}. Use one of: {', '.join(PLACES)}.")
    return open_local(on, settings) if on in LOCAL else open_aws(on, settings)


def default_place(settings: Settings) -> str:
    from byoa.aws.session import Session

    return "sagemaker" if Session(profile=settings.profile).boto.get_credentials() else "process"


def open_local(on: str, settings: Settings) -> Place:
    from byoa.local import Logs, Runtime, SageMaker
    from byoa.local.folder_storage import FolderStorage

    root = home()
    with suppress(OSError):  # whoever only looks needs none; who writes is told
        root.mkdir(parents=True, exist_ok=True, mode=0o700)  # others have no business in it
    return Place(
        name=on,
        storage=FolderStorage(root / "storage" / settings.prefix.strip("/")),
        sagemaker=SageMaker(root),
        runtime=Runtime(root),
        logs=Logs(root),
        role=settings.role or LOCAL_ROLE,
        region=settings.region or LOCAL_REGION,
    )


def open_aws(on: str, settings: Settings) -> Place:
    from byoa.aws.session import Session
    from byoa.aws.storage import S3Storage

    if on == "sandbox":
        enter_sandbox()
    session = Session(settings.region, settings.profile if on == "sagemaker" else "")
    bucket = settings.bucket or default_bucket(session.account, session.region)
    base = "/".join(part for part in (bucket, settings.prefix.strip("/")) if part)
    return Place(
        name=on,
        storage=S3Storage(session.client("s3"), f"s3://{base}"),
        sagemaker=session.client("sagemaker"),
        runtime=session.client("sagemaker-runtime"),
        logs=session.client("logs"),
        session=session,
        role=settings.role,
        region=session.region,
    )


def enter_sandbox() -> None:
    """From here on every AWS client of this process talks to the sandbox, whatever was set."""
    from byoa.sandbox.environment import UNSET, variables
    from byoa.sandbox.state import running

    state = running(home() / "sandbox")
    if state is None:
        raise ByoaError("The sandbox is not running. Start it: byoa sandbox up")
    for name in UNSET:
        os.environ.pop(name, None)
    os.environ.update(variables(state))
