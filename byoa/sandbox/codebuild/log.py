"""A build's log: its lines in CloudWatch's group of the project, without the secrets in them."""

from __future__ import annotations

import datetime

from byoa.local.logs import LogWriter

HIDDEN = "***"


class BuildLog:
    """Lines of one build; `[Container] time` before those that CodeBuild itself would say."""

    def __init__(self, writer: LogWriter, group: str, stream: str) -> None:
        self.writer = writer
        self.group = group
        self.stream = stream
        self.secrets: list[str] = []

    def hide(self, secret: str) -> None:
        """No line shows this value from now on, nor a line of it that tells something."""
        parts = [secret, *secret.splitlines()]
        found = {part for part in [*self.secrets, *parts] if len(part.strip()) > 2}
        self.secrets = sorted(found, key=len, reverse=True)

    def line(self, text: str) -> None:
        """One line of a command. CloudWatch takes no empty ones."""
        if self.group:
            self.writer.append(self.group, self.stream, self.hidden(text) or " ")

    def say(self, text: str) -> None:
        now = datetime.datetime.now(datetime.timezone.utc)
        self.line(f"[Container] {now:%Y/%m/%d %H:%M:%S.%f} {text}")

    def hidden(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text
