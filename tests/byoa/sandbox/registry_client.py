"""docker's requests to a registry, without docker."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from byoa.sandbox.registry import passwords
from byoa.sandbox.state import State

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> str:
        """The code of the first error."""
        return str(json.loads(self.body)["errors"][0]["code"])


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Registry:
    """Logged in to a sandbox's registry, unless told otherwise."""

    def __init__(self, state: State, password: str = "") -> None:
        self.state = state
        word = f"AWS:{password or passwords.make(state.token, 4102444800)}"
        self.authorization = f"Basic {base64.b64encode(word.encode()).decode()}"

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request. A body of pieces travels chunked, as docker's do."""
        connection = http.client.HTTPConnection("127.0.0.1", self.state.port, timeout=20)
        try:
            given = {"Authorization": self.authorization, **(headers or {})}
            connection.request(method, path, body or None, given)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def push_blob(self, name: str, data: bytes) -> str:
        digest = digest_of(data)
        start = self.ask("POST", f"/v2/{name}/blobs/uploads/")
        assert start.status == 202, start
        where = start.headers["Location"]
        pieces = (data[at : at + 1000] for at in range(0, len(data), 1000))
        assert self.ask("PATCH", where, pieces).status == 202
        end = self.ask("PUT", f"{where}?digest={digest}")
        assert end.status == 201, end
        assert end.headers["Docker-Content-Digest"] == digest
        return digest

    def push(self, name: str, tag: str, content: bytes = b"layer") -> str:
        """A whole small image; its digest."""
        config = json.dumps({"architecture": "amd64", "os": "linux", "n": len(content)}).encode()
        manifest = manifest_of(
            {"mediaType": CONFIG, "size": len(config), "digest": self.push_blob(name, config)},
            [{"mediaType": LAYER, "size": len(content), "digest": self.push_blob(name, content)}],
        )
        put = self.put_manifest(name, tag, manifest)
        assert put.status == 201, put
        return put.headers["Docker-Content-Digest"]

    def put_manifest(self, name: str, reference: str, data: bytes, kind: str = MANIFEST) -> Answer:
        return self.ask("PUT", f"/v2/{name}/manifests/{reference}", data, {"Content-Type": kind})


def manifest_of(config: dict[str, Any], layers: list[dict[str, Any]]) -> bytes:
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
    return json.dumps(document).encode()
