"""The way of every event: past all rules of its bus, to the targets of those that match.

moto keeps buses, rules and targets. Its own delivery is replaced: it knows no state machine, sends
a bucket's event twice for a large upload, and takes a schedule for a pattern that matches all.
"""

from __future__ import annotations

import datetime
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from byoa.sandbox.events import inputs, patterns, schedules, targets
from byoa.sandbox.state import ACCOUNT

#: Events that moto's own services make up carry this for an id.
NO_ID = "17793124-05d4-b198-2fde-7ededc63b103"


def rules_of(region: str, bus: str = "default") -> list[Any]:
    from moto.backends import get_backend

    return list(get_backend("events")[ACCOUNT][region].event_buses[bus].rules.values())


def make(
    source: str, kind: str, region: str, detail: Mapping[str, Any], resources: list[str]
) -> dict[str, Any]:
    """An event in its envelope."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": source,
        "account": ACCOUNT,
        "time": stamp(time.time()),
        "region": region,
        "resources": resources,
        "detail": dict(detail),
    }


def stamp(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def send(event: dict[str, Any], region: str, bus: str = "default") -> None:
    """To every rule of a bus."""
    for rule in rules_of(region, bus):
        offer(rule, event)


def offer(rule: Any, event: dict[str, Any]) -> None:
    """One rule; it takes Rule.send_to_targets' place, so moto's events come this way, too."""
    pattern = rule.event_pattern.get_pattern()
    if rule.state == "DISABLED" or not pattern:
        return
    event = plain(event)
    if patterns.matches(pattern, event):
        fire(rule, event)


def fire(rule: Any, event: dict[str, Any]) -> None:
    known = {"arn": rule.arn, "name": rule.name}
    for target in list(rule.targets):
        text = inputs.made(target, event, known)
        targets.deliver(target, text, event, rule.region_name)


def plain(event: dict[str, Any]) -> dict[str, Any]:
    """moto's event as EventBridge would have it: a time that is a text, an id of its own."""
    made = {name: value for name, value in event.items() if name != "ingestion-time"}
    if not isinstance(made["time"], str):
        made["time"] = stamp(float(made["time"]))
    if made["id"] == NO_ID:
        made["id"] = str(uuid.uuid4())
    return made


class Clock:
    """Fires the rules that have a schedule."""

    def __init__(self, send: Callable[[Any, dict[str, Any]], None] = fire) -> None:
        self.send = send
        self.due: dict[tuple[str, str], datetime.datetime | None] = {}

    def tick(self, moment: datetime.datetime) -> None:
        """Looks at all rules of all regions once."""
        from moto.backends import get_backend

        known = set()
        for region, backend in list(get_backend("events")[ACCOUNT].items()):
            for rule in list(backend.event_buses["default"].rules.values()):
                if rule.scheduled_expression and rule.state != "DISABLED":
                    key = (rule.arn, rule.scheduled_expression)
                    known.add(key)
                    self.look(key, rule, region, moment)
        self.due = {key: due for key, due in self.due.items() if key in known}

    def look(self, key: tuple[str, str], rule: Any, region: str, moment: datetime.datetime) -> None:
        schedule = schedules.read(key[1])
        if key not in self.due:
            self.due[key] = schedule.next(moment)
        due = self.due[key]
        if due is not None and moment >= due:
            self.due[key] = schedule.next(due)
            self.send(rule, make("aws.events", "Scheduled Event", region, {}, [rule.arn]))

    def run(self, sleep: Callable[[float], None] = time.sleep) -> None:
        while True:
            try:
                self.tick(datetime.datetime.now(datetime.timezone.utc))
            except Exception as error:  # an expression that only moto took
                print(f"EventBridge: a schedule failed: {error}", flush=True)
            sleep(1.0)


def install() -> None:
    """Puts our delivery in the place of moto's, and starts the clock."""
    from moto.events.models import Rule
    from moto.s3 import notifications

    from byoa.sandbox.events import buckets

    archive = Rule.send_to_targets

    def way(rule: Any, event: dict[str, Any], **more: Any) -> None:
        """An archive's own rule stays moto's: its target is no service."""
        archive(rule, event, **more) if rule.managed_by else offer(rule, event)  # type: ignore[arg-type]

    Rule.send_to_targets = way  # type: ignore[method-assign, assignment]
    notifications._send_event_bridge_message = buckets.send  # type: ignore[assignment]
    threading.Thread(target=Clock().run, name="schedules", daemon=True).start()
