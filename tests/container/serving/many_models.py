"""A real multi-model `serve` for a test, and models to put below its folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.container.serving.serving_process import FIXTURES, Reply, Serving


@dataclass
class Many:
    """The container; a context manager."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Many:
        environ = {
            "SAGEMAKER_MULTI_MODEL": "true",
            "BYOA_NGINX": "false",
            "BYOA_ALGORITHM": str(FIXTURES / "one_of_many"),
            **self.environ,
        }
        (self.folder / "models").mkdir(parents=True)
        self.serving = Serving(self.folder, environ)
        self.serving.__enter__()
        self.serving.wait_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.serving.__exit__()

    def put(self, name: str, factor: Any, **more: Any) -> str:
        """A model on the disk, and its url."""
        folder = self.folder / "models" / name / "model"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "model.json").write_text(json.dumps({"factor": factor, **more}))
        return str(folder)

    def load(self, name: str, url: str) -> Reply:
        body = json.dumps({"model_name": name, "url": url}).encode()
        return self.serving.request("POST", "/models", body, {"Content-Type": "application/json"})

    def get(self, name: str) -> Reply:
        return self.serving.request("GET", f"/models/{quote(name, safe='')}")

    def unload(self, name: str) -> Reply:
        return self.serving.request("DELETE", f"/models/{quote(name, safe='')}")

    def invoke(
        self, name: str, body: bytes = b"21", headers: dict[str, str] | None = None
    ) -> Reply:
        headers = {"Content-Type": "application/json", **(headers or {})}
        path = f"/models/{quote(name, safe='')}/invoke"
        return self.serving.request("POST", path, body, headers)

    def listed(self, limit: int = 0) -> list[dict[str, str]]:
        """All pages."""
        found: list[dict[str, str]] = []
        token = ""
        while True:
            query = f"?next_page_token={quote(token)}{f'&limit={limit}' if limit else ''}"
            page = self.serving.request("GET", f"/models{query}").json
            assert not limit or len(page["models"]) <= limit
            found += page["models"]
            if "nextPageToken" not in page:
                return found
            token = page["nextPageToken"]
