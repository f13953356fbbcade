"""The passwords that `aws ecr get-login-password` gives: sealed, good for twelve hours as ECR's."""

from __future__ import annotations

import hashlib
import hmac

USER = "AWS"
HOURS = 12


def make(secret: str, expires: int) -> str:
    """A password that tells by itself until when it is good."""
    return f"{expires}.{seal(secret, expires)}"


def seal(secret: str, expires: int) -> str:
    return hmac.new(secret.encode(), f"registry {expires}".encode(), hashlib.sha256).hexdigest()


def is_good(secret: str, password: str, now: float) -> bool:
    expires, _, sealed = password.partition(".")
    if not (expires.isascii() and expires.isdigit()) or len(expires) > 15:
        return False
    known = hmac.compare_digest(sealed.encode(), seal(secret, int(expires)).encode())
    return known and now < int(expires)
