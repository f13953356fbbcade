"""The registry's HTTP side: /v2/… of the distribution specification, ECR's answers."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from werkzeug.wrappers import Request, Response

from byoa.sandbox.registry import names, passwords
from byoa.sandbox.registry.errors import RegistryError, unknown_repository
from byoa.sandbox.registry.manifests import LARGEST
from byoa.sandbox.registry.messages import (
    blob_response,
    created,
    first_byte,
    stream,
    under_way,
    unsupported,
)
from byoa.sandbox.registry.repository import Repository

UPLOADS = re.compile(r"(?P<name>.+)/blobs/uploads/(?P<upload>[^/]*)")
BLOBS = re.compile(r"(?P<name>.+)/blobs/(?P<digest>[^/]+)")
MANIFESTS = re.compile(r"(?P<name>.+)/manifests/(?P<reference>[^/]+)")
TAGS = re.compile(r"(?P<name>.+)/tags/list")


#: Whether a tag, once given, stays with its image.
Fixed = Callable[[str], bool]


@dataclass(frozen=True)
class Registry:
    """A registry in a folder; which repositories there are, ECR's side knows."""

    folder: Path
    secret: str
    account: str
    #: None for a repository that nobody made, else which of its tags never move.
    fixed: Callable[[str], Fixed | None]

    def respond(self, request: Request) -> Response:
        """Answers any request below /v2/."""
        try:
            self.check_password(request)
            response = self.route(request)
        except RegistryError as error:
            response = error.response()
            if error.status == 401:
                response.headers["WWW-Authenticate"] = (
                    f'Basic realm="http://{request.host}/",service="ecr.amazonaws.com"'
                )
        response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
        return response

    def check_password(self, request: Request) -> None:
        given = request.authorization
        if given is None or given.type != "basic":
            raise RegistryError("UNAUTHORIZED", "no basic auth credentials", 401)
        good = passwords.is_good(self.secret, given.password or "", time.time())
        if given.username != passwords.USER or not good:
            raise RegistryError(
                "DENIED",
                "Your authorization token is invalid or has expired. Reauthenticate and try again.",
                403,
            )

    def route(self, request: Request) -> Response:
        path = request.path.removeprefix("/v2/")
        if not path:
            return Response("{}", content_type="application/json")
        for pattern, act in (
            (UPLOADS, self.uploads),
            (BLOBS, self.blobs),
            (MANIFESTS, self.manifests),
            (TAGS, self.tags),
        ):
            found = pattern.fullmatch(path)
            if found:
                parts = found.groupdict()
                return act(request, self.repository(parts.pop("name")), *parts.values())
        raise RegistryError("UNSUPPORTED", f"the registry has nothing at {request.path!r}", 404)

    def repository(self, name: str) -> Repository:
        """The repository, if it was created: ECR makes none on push."""
        repository = Repository(self.folder, name)
        if self.fixed(name) is None:
            raise unknown_repository(name, self.account)
        return repository

    def fixed_tags(self, name: str) -> Fixed:
        return self.fixed(name) or (lambda tag: False)

    def uploads(self, request: Request, repository: Repository, upload: str) -> Response:
        blobs = repository.blobs
        if request.method == "POST" and not upload:
            return self.start(request, repository)
        if request.method == "PATCH":
            size = blobs.append(upload, stream(request), first_byte(request))
            return under_way(repository, upload, size)
        if request.method == "PUT":
            blobs.append(upload, stream(request), first_byte(request))
            return self.finished(repository, upload, request.args.get("digest", ""))
        if request.method == "GET":
            size = blobs.upload_path(upload).stat().st_size
            return under_way(repository, upload, size, 204)
        if request.method == "DELETE":
            blobs.cancel(upload)
            return Response(status=204)
        raise unsupported(request)

    def start(self, request: Request, repository: Repository) -> Response:
        """A mount of a blob that another repository has, a whole blob, or the start of one."""
        mount, source = request.args.get("mount", ""), request.args.get("from", "")
        if names.is_digest(mount) and self.can_mount(mount, source, repository):
            repository.link(mount)
            return created(repository, mount)
        upload = repository.blobs.start()
        digest = request.args.get("digest")
        if digest:
            repository.blobs.append(upload, stream(request))
            return self.finished(repository, upload, digest)
        return under_way(repository, upload, 0)

    def can_mount(self, digest: str, source: str, repository: Repository) -> bool:
        if not source:
            return repository.has_blob(digest)
        return (
            names.is_name(source)
            and self.fixed(source) is not None
            and Repository(self.folder, source).has_blob(digest)
        )

    def finished(self, repository: Repository, upload: str, digest: str) -> Response:
        if not names.is_digest(digest):
            raise RegistryError("DIGEST_INVALID", f"{digest!r} is not a sha256 digest", 400)
        repository.blobs.finish(upload, digest)
        repository.link(digest)
        return created(repository, digest)

    def blobs(self, request: Request, repository: Repository, digest: str) -> Response:
        if request.method not in {"GET", "HEAD"}:
            raise unsupported(request)
        return blob_response(request, repository, repository.need_blob(digest))

    def manifests(self, request: Request, repository: Repository, reference: str) -> Response:
        if request.method == "PUT":
            data = stream(request).read(LARGEST + 1)
            kind = request.headers.get("Content-Type", "")
            digest = repository.push(data, kind, reference, self.fixed_tags(repository.name))
            return created(repository, digest, "manifests", reference)
        if request.method not in {"GET", "HEAD"}:  # ECR deletes by its own API only
            raise unsupported(request)
        image = repository.image(reference)
        response = Response(image.manifest.data, content_type=image.manifest.media_type)
        response.headers["Docker-Content-Digest"] = image.digest
        return response

    def tags(self, request: Request, repository: Repository) -> Response:
        if request.method != "GET":
            raise unsupported(request)
        body = {"name": repository.name, "tags": list(repository.tags())}
        return Response(json.dumps(body), content_type="application/json")
