"""The requests of a batch transform: with its time-out, tried again where that may help."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping
from typing import Any

from byoa.local.exchange import Answer, exchange
from byoa.local.instance import Instance
from byoa.local.transform_records import RecordError

TIMEOUT, RETRIES = 600, 3


class Client:
    """Asks a container as a job's request says; `wait_healthy` returns when it is there."""

    def __init__(
        self, request: Mapping[str, Any], wait_healthy: Callable[[Instance], None]
    ) -> None:
        self.config = request.get("ModelClientConfig", {})
        self.source, self.output = request["TransformInput"], request["TransformOutput"]
        self.wait_healthy = wait_healthy

    def ask(self, instance: Instance, body: bytes) -> bytes:
        """The container's answer to one request, tried again where that may help."""
        seconds = float(self.config.get("InvocationsTimeoutInSeconds", TIMEOUT))
        said = ""
        for _ in range(1 + int(self.config.get("InvocationsMaxRetries", RETRIES))):
            self.wait_healthy(instance)
            try:
                answer = self.post(instance, body, seconds)
            except TimeoutError:
                said = f"AlgorithmError: no answer within {seconds:g} s"
                continue
            except (OSError, http.client.HTTPException) as error:
                said = f"AlgorithmError: the container ended the request: {error!r}"
                continue
            if answer.status == http.HTTPStatus.OK:
                return answer.body
            words = answer.body[:300].decode(errors="replace")
            kind = "ClientError" if 400 <= answer.status < 500 else "AlgorithmError"
            said = f"{kind}: Bad HTTP status received from algorithm: {answer.status} {words}"
            if kind == "ClientError" and answer.status != http.HTTPStatus.TOO_MANY_REQUESTS:
                break
        raise RecordError(said)

    def post(self, instance: Instance, body: bytes, seconds: float) -> Answer:
        fields = {
            "content-type": self.source.get("ContentType"),
            "accept": self.output.get("Accept"),
        }
        headers = {name: value for name, value in fields.items() if value}
        return exchange(instance.address, "POST", "/invocations", body, headers, seconds)
