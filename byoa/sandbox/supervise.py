"""`python -m byoa.sandbox.supervise FOLDER`: byoa.local.supervise, on the sandbox's S3."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from byoa.aws.session import Session
from byoa.aws.storage import S3Storage
from byoa.local.logs import LogWriter
from byoa.local.supervise import Around
from byoa.local.supervise import main as local_main
from byoa.sandbox import environment
from byoa.sandbox import state as states
from byoa.sandbox.state import ACCOUNT, State

#: Elsewhere docker runs in a virtual machine, which reaches our loopback by a name of its own.
LINUX = sys.platform == "linux"
ECR = re.compile(rf"{ACCOUNT}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/(.+)")


def around(root: Path) -> Around:
    """What is around a job here: root is SANDBOX/local/REGION."""
    state = states.read(root.parent.parent)
    if state is None:
        raise SystemExit(f"there is no sandbox in {root.parent.parent}")
    region = root.name
    return Around(
        root=root,
        storage=S3Storage(Session(region=region, endpoint=state.url).client("s3"), "s3://"),
        logs=LogWriter(root),
        environment={
            **environment.variables(state),
            **({} if LINUX else {"AWS_ENDPOINT_URL": f"http://host.docker.internal:{state.port}"}),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
        },
        find_image=lambda image: here(image, state),
        network="host" if LINUX else "",  # the sandbox listens on loopback alone
    )


def here(image: str, state: State) -> str:
    """ECR's name of an image of this account as the name that docker finds it under."""
    found = ECR.fullmatch(image)
    return f"{state.registry}/{found[1]}" if found else image


if __name__ == "__main__":
    sys.exit(local_main(make_around=around))
