"""A session: boto3 clients for one account and region, made when they are first asked for."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from byoa import __version__
from byoa.plan.advice import noted
from byoa.plan.errors import UsageError


class Session:
    """Clients that retry with jitter and back off when throttled (botocore's adaptive mode)."""

    def __init__(
        self, region: str = "", profile: str = "", endpoint: str = "", attempts: int = 8
    ) -> None:
        self._profile, self._asked_region, self._attempts = profile, region, attempts
        self.endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL", "")
        self._clients: dict[str, Any] = {}
        self._identity: dict[str, str] = {}
        self._boto: Any = None
        self._lock = threading.RLock()  # making clients is not thread-safe, using them is

    @property
    def boto(self) -> Any:
        """boto3's own session."""
        with self._lock:
            if self._boto is None:
                import boto3

                region = self._asked_region or os.environ.get("AWS_REGION") or None
                self._boto = boto3.session.Session(
                    region_name=region, profile_name=self._profile or None
                )
                parsers = self._boto._session.get_component("response_parser_factory")
                parsers.set_parser_defaults(timestamp_parser=_moment)
            return self._boto

    @property
    def region(self) -> str:
        region = self.boto.region_name
        if not region:
            raise UsageError(
                "No AWS region is set. Say --region eu-west-1 (or another), set AWS_REGION, or"
                " write `region` below [project] in byoa.toml."
            )
        return str(region)

    def client(self, name: str) -> Any:
        """boto3's client of a service; the same one each time."""
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self._new_client(name)
            return self._clients[name]

    def _new_client(self, name: str) -> Any:
        from botocore.config import Config

        config = Config(
            retries={"mode": "adaptive", "total_max_attempts": self._attempts},
            connect_timeout=10,
            read_timeout=75,  # an endpoint may think for 60 s
            max_pool_connections=32,
            user_agent_extra=f"byoa/{__version__}",
            inject_host_prefix=not self.endpoint,  # there is no sync-127.0.0.1
        )
        client = self.boto.client(
            name, region_name=self.region, endpoint_url=self.endpoint or None, config=config
        )
        noted(client)
        client.meta.events.register("needs-retry", self._whole)
        return client

    def _whole(
        self, response: Any, operation: Any, attempts: int, request_dict: Any, **_: Any
    ) -> float | None:
        """Asks again when an answer was cut: botocore takes half a JSON text for an empty one."""
        if not response or operation.has_streaming_output or request_dict["method"] == "HEAD":
            return None
        promised = int(response[0].headers.get("Content-Length") or 0)
        if promised <= len(response[0].content):
            return None
        if attempts < self._attempts:
            return 0.2 * attempts
        from botocore.exceptions import ConnectionClosedError

        raise ConnectionClosedError(endpoint_url=response[0].url)

    @property
    def account(self) -> str:
        """The account's number."""
        return self.identity["Account"]

    @property
    def identity(self) -> Mapping[str, str]:
        """Who calls: Account, Arn, UserId."""
        if not self._identity:
            self._identity = self.client("sts").get_caller_identity()
        return self._identity

    @property
    def partition(self) -> str:
        """aws, aws-cn or aws-us-gov: the second word of every ARN."""
        return str(self.boto.get_partition_for_region(self.region))


def _moment(value: Any) -> datetime:
    """A time in an answer: botocore's own parser is half of the work of listing a bucket."""
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    except (AttributeError, TypeError, ValueError):
        from botocore.utils import parse_timestamp

        moment: datetime = parse_timestamp(value)
        return moment
