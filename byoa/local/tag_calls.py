"""add_tags, list_tags, delete_tags: boto3's methods over tags on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from byoa.local.resources import Tags, listed


class TagCalls:
    root: Path

    def add_tags(self, **request: Any) -> dict[str, Any]:
        merged = Tags(self.root).add(request["ResourceArn"], request["Tags"])
        return {"Tags": list(listed(merged))}

    def list_tags(self, **request: Any) -> dict[str, Any]:
        return {"Tags": list(listed(Tags(self.root).get(request["ResourceArn"])))}

    def delete_tags(self, **request: Any) -> dict[str, Any]:
        Tags(self.root).remove(request["ResourceArn"], request["TagKeys"])
        return {}
