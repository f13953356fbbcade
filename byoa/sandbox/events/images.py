"""ECR's event of a pushed image.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
"""

from __future__ import annotations

import re

from werkzeug.wrappers import Request, Response

from byoa.sandbox.events import rules
from byoa.sandbox.state import ACCOUNT

MANIFEST = re.compile(r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)")


def pushed(request: Request, response: Response) -> None:
    """Looks at what the registry answered: a manifest that it took is an image pushed."""
    match = MANIFEST.fullmatch(request.path)
    if request.method == "PUT" and response.status_code == 201 and match is not None:
        tag = "" if match["reference"].startswith("sha256:") else match["reference"]
        send(match["name"], response.headers.get("Docker-Content-Digest", ""), tag)


def send(name: str, digest: str, tag: str, action: str = "PUSH") -> None:
    """In whichever region the repository was made: there is one registry."""
    from moto.backends import get_backend

    for region, backend in list(get_backend("ecr")[ACCOUNT].items()):
        repository = backend.repositories.get(name)
        if repository is None:
            continue
        detail = {
            "result": "SUCCESS",
            "repository-name": name,
            "image-digest": digest,
            "action-type": action,
            **({"image-tag": tag} if tag else {}),
        }
        event = rules.make("aws.ecr", "ECR Image Action", region, detail, [repository.arn])
        rules.send(event, region)
