"""What a repository, a tag, a digest may look like: checked before any of them becomes a path."""

from __future__ import annotations

import re
import secrets

#: ECR's own: CreateRepository's pattern and length.
NAME = re.compile(r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*", re.ASCII)
NAME_LENGTH = 256
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", re.ASCII)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
UPLOAD = re.compile(r"[0-9a-f]{32}", re.ASCII)


def is_name(text: str) -> bool:
    return 2 <= len(text) <= NAME_LENGTH and NAME.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    return TAG.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    return DIGEST.fullmatch(text) is not None


def is_upload(text: str) -> bool:
    return UPLOAD.fullmatch(text) is not None


def new_upload() -> str:
    return secrets.token_hex(16)
