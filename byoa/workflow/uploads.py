"""What is on this machine as an input of an execution: sent to the project's bucket first.

Below PROJECT/uploads/WORKFLOW/NAME, in the stack's bucket where `byoa setup` made one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byoa import progress
from byoa.aws.bucket import ensure_bucket, find_bucket
from byoa.aws.infrastructure import names
from byoa.aws.storage import S3Storage
from byoa.build import Build
from byoa.contexts import whole
from byoa.on_codebuild import archive
from byoa.plan.bucket import default_bucket
from byoa.plan.errors import UsageError
from byoa.plan.layout import ProjectPlace, bucket_and_key
from byoa.plan.names import checked
from byoa.settings import Settings
from byoa.workflow.home import Home
from byoa.workflow.triggers import of_objects

UPLOADS = "uploads/"


@dataclass(frozen=True)
class Uploads:
    """Where a workflow's inputs lie."""

    home: Home
    settings: Settings
    found: Mapping[str, Any]  #: the state machine

    @property
    def bucket(self) -> str:
        """The stack's, whose jobs may read it; else the driver's."""
        session = self.home.session
        stack = names(session, self.home.project).bucket
        if not self.settings.bucket and find_bucket(session.client("s3"), stack, session.account):
            return stack
        return self.settings.bucket or default_bucket(session.account, session.region)

    def address(self, name: str) -> str:
        parts = (self.bucket, self.settings.prefix.strip("/"))
        base = "s3://" + "/".join(part for part in parts if part)
        home = ProjectPlace(base, self.home.names(self.found["name"]).project).uri
        return f"{home}{UPLOADS}{self.found['name']}/{checked(name, 'input')}"

    def send(self, name: str, path: Path, dry: bool = False) -> str:
        """A folder's or a file's address, its content brought there; what is equal is not sent."""
        if not path.exists():
            raise UsageError(f"--upload {name}={path}: there is no such file or folder here.")
        folder = f"{self.address(name)}/"
        uri = folder if path.is_dir() else f"{folder}{path.name}"
        if not dry:
            self.refuse_loops(uri)
            with progress.bar(f"sending {path}") as shown:
                done = self.storage(uri).sync(path, folder, delete=True, progress=shown)
            if not (done.uploaded or done.unchanged):
                raise UsageError(f"--upload {name}={path}: it holds no file. Put one there.")
            size = progress.size(done.sent_bytes)
            progress.say(f"{path}: {len(done.uploaded)} files sent ({size}) to {uri}")
        return uri

    def send_zip(self, name: str, folder: Path, dry: bool = False) -> str:
        """A folder as a zip, without what .dockerignore names and what looks like a secret.

        An algorithm without a Dockerfile is sent with byoa's own around it.

        Its address is its content's: an equal folder is not sent again.
        """
        if not folder.is_dir():
            raise UsageError(f"--zip {name}={folder}: there is no such folder here.")
        data = packed(name, folder)
        uri = f"{self.address(name)}-{hashlib.sha256(data).hexdigest()[:16]}.zip"
        if not dry:
            self.refuse_loops(uri)
            new = self.storage(uri).write(uri, data, only_new=True)
            done = "sent" if new else "is there already"
            progress.say(f"{folder}: {progress.size(len(data))} {done}, {uri}")
        return uri

    def storage(self, uri: str) -> S3Storage:
        bucket, _ = bucket_and_key(uri)
        session = self.home.session
        if bucket == default_bucket(session.account, session.region):
            ensure_bucket(session, bucket, {"byoa:project": self.home.project})
        return S3Storage(session.client("s3"), f"s3://{bucket}")

    def refuse_loops(self, uri: str) -> None:
        """An upload below a trigger of the workflow would start it a second time."""
        bucket, key = bucket_and_key(uri)
        for one in of_objects(self.home, self.found["stateMachineArn"]):
            near = key.startswith(one.prefix) or one.prefix.startswith(key)
            if one.bucket == bucket and near:
                raise UsageError(
                    f"A trigger starts {self.found['name']} for what comes to {one.what}, and the"
                    f" upload to {uri} would start it twice. Give the trigger a folder of its own,"
                    " or the upload another --bucket."
                )


def packed(name: str, folder: Path) -> bytes:
    """The zip of what an image is built of."""
    try:
        with whole(folder) as context:
            return archive(Build(image=f"{name}:latest", folder=context))
    except UsageError as error:
        raise UsageError(
            f"--zip {name}={folder}: it holds no Dockerfile, and a zip is what an image is built"
            f" of. For byoa's own: {error} To send the folder as it is: --upload {name}={folder}"
        ) from error
