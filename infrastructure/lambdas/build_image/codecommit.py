"""The files of a commit in CodeCommit, by its API: no git is needed.

https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetFolder.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from byoa.plan.asked_build import MOST_BYTES, MOST_MEMBERS
from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.zips import Files

ADDRESS = re.compile(r"codecommit://([\w.-]{1,100})@([\w./-]{1,100})")
MISSING = ("RepositoryDoesNotExistException", "CommitDoesNotExistException")


def pushed_files(codecommit: Any, address: str) -> Files:
    """All files of codecommit://REPOSITORY@COMMIT (a branch is a commit, too)."""
    found = ADDRESS.fullmatch(address)
    if not found:
        raise UsageError(f"Context is {address[:100]!r}. Write codecommit://REPOSITORY@COMMIT.")
    repository, commit = found.groups()
    files: dict[str, tuple[bytes, bool]] = {}
    left = MOST_BYTES
    try:
        for one in listed(codecommit, repository, commit):
            data = codecommit.get_blob(repositoryName=repository, blobId=one["blobId"])["content"]
            left -= len(data)
            files[one["absolutePath"]] = (data, one.get("fileMode") == "EXECUTABLE")
            if left < 0 or len(files) > MOST_MEMBERS:
                raise UsageError(
                    f"{address} is over {MOST_BYTES >> 20} MiB. Leave data out of git."
                )
    except codecommit.exceptions.ClientError as error:
        if type(error).__name__ in MISSING:
            raise NotFoundError(f"There is no {address}. Look at repository and commit.") from None
        raise
    return files


def listed(codecommit: Any, repository: str, commit: str) -> Iterator[dict[str, Any]]:
    """The files of all folders, from the top down."""
    folders = ["/"]
    while folders:
        words = {"repositoryName": repository, "commitSpecifier": commit}
        page = codecommit.get_folder(**words, folderPath=folders.pop())
        folders += [one["absolutePath"] for one in page.get("subFolders", ())]
        yield from page.get("files", ())
