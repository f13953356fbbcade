"""The WSGI application, which is loaded by the first request that is out of the ordinary.

Most servers never get one, and Flask is a third of what the HTTP tier would load before it answers.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping
from typing import Any


class LateApp:
    """Flask's application, when somebody asks for it."""

    def __init__(self, invocations: Any) -> None:
        self.extensions = {"invocations": invocations}  # the short way looks for it here
        self._app: Any = None

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        if self._app is None:
            import gevent

            gevent.get_hub().threadpool.apply(_load)  # the event loop goes on
            from container.serving.app import create_app

            self._app = self._app or create_app(self.extensions["invocations"])
            gc.freeze()  # what is here stays
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer


def _load() -> None:
    import container.serving.app  # noqa: F401
