"""ECR: the repository that an image is pushed to, the right to push, and what came of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from byoa.aws.image_facts import image_facts
from byoa.plan.checks import image_problems
from byoa.plan.ecr import lifecycle_request, repository_request
from byoa.plan.errors import ByoaError

if TYPE_CHECKING:
    from byoa.aws.session import Session

URI = "repositoryUri"


def ensure_repository(session: Session, name: str, tags: Mapping[str, str]) -> str:
    """The repository's address. Made when missing: private, scanned, tidied, tagged at once."""
    ecr = session.client("ecr")

    def look() -> str:
        return str(ecr.describe_repositories(repositoryNames=[name])["repositories"][0][URI])

    try:
        return look()
    except ecr.exceptions.RepositoryNotFoundException:
        pass
    try:
        made = ecr.create_repository(**repository_request(name, tags))["repository"]
    except ecr.exceptions.RepositoryAlreadyExistsException:  # a second driver was faster
        return look()
    try:
        ecr.put_lifecycle_policy(**lifecycle_request(name))
    except BaseException:
        ecr.delete_repository(repositoryName=name)
        raise
    return str(made[URI])


def login(session: Session, registry: str = "") -> tuple[str, str]:
    """User and password of ECR for some hours; of another account's registry when it is named.

    Never on a command line, never in a message: `docker login --password-stdin` takes it.
    """
    wanted = {"registryIds": [registry]} if registry else {}
    data = session.client("ecr").get_authorization_token(**wanted)["authorizationData"][0]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    return user, password


def pushed(session: Session, uri: str) -> str:
    """REPOSITORY@DIGEST of what was pushed; ByoaError when SageMaker would refuse it later."""
    facts = image_facts(session, uri)
    for problem in image_problems(facts):
        raise ByoaError(problem)
    return f"{uri.rpartition(':')[0]}@{facts.digest}"
