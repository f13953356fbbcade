"""Dashboard, alarms and page name no metric that /metrics has not, and the page names all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from container.serving.broker import Broker
from container.serving.gpus import Gpu
from container.serving.invocations import Invocations
from container.serving.lanes import Limits
from container.serving.metrics import Metrics
from container.serving.metrics_page import Figures, Machine
from container.serving.processes import Usage
from container.serving.settings import Settings
from tests.byoa.plan.service_model import problems

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "monitoring.md").read_text()
BOARD: dict[str, Any] = json.loads((DOCS / "grafana.json").read_text())
RULES = yaml.safe_load((DOCS / "prometheus-rules.yml").read_text())["groups"][0]["rules"]
NAME = re.compile(r"\b(?:byoa|process)_[a-z_]+\b")
SELECTOR = re.compile(r"([a-z_]+)\{([^}]*)\}")
#: What Prometheus itself puts on every sample, or makes of a histogram.
ITS_OWN = {"instance", "le"}


@pytest.fixture(scope="module")
def samples() -> dict[str, set[str]]:
    """Every sample that /metrics can have, with its labels."""
    limits = Limits(64, 1 << 20, 8, 0.0, 1, 30.0)
    broker = Broker(limits)
    settings = Settings.from_environment({})
    core = Invocations(settings, broker, Metrics())
    machine = Machine([Gpu("GPU-1", 1, 2, 0.5)], [Usage("http", "", 1, 2.0)], 3)
    figures = Figures(core, machine)
    registry = CollectorRegistry()
    registry.register(figures)
    found: dict[str, set[str]] = {}
    for family in registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def expressions() -> Iterator[str]:
    for panel in BOARD["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]
    for rule in RULES:
        yield rule["expr"]


def test_dashboard_and_alarms_name_what_there_is(samples: dict[str, set[str]]):
    named = [name for text in expressions() for name in NAME.findall(text)]
    assert len(named) > 40
    assert [name for name in named if name not in samples] == []
    for text in expressions():
        for name, labels in SELECTOR.findall(text):
            asked = {part.partition("=")[0].strip(" !") for part in labels.split(",")}
            assert asked <= samples[name] | ITS_OWN, text
    variables = [each["query"]["query"] for each in BOARD["templating"]["list"][1:]]
    assert variables == ["label_values(byoa_info, instance)"]


def test_the_page_names_every_metric_and_no_other(samples: dict[str, set[str]]):
    families = {re.sub("_(bucket|sum|count)$", "", name) for name in samples}
    table = PAGE.partition("## What it tells")[2].partition("\n## ")[0]
    named = {name for cell in re.findall("`([^`]+)`", table) for name in NAME.findall(cell)}
    assert named == families
    labels = {name: set(asked.split(",")) for name, asked in SELECTOR.findall(table)}
    assert labels and all(samples[name] == asked for name, asked in labels.items())
    elsewhere = set(NAME.findall(PAGE)) - {"byoa_"}
    assert elsewhere <= families | samples.keys()


def test_every_alarm_is_explained():
    table = PAGE.partition("| alarm |")[2].partition("\n## ")[0]
    assert re.findall("^. `(Byoa[A-Za-z]+)`", table, re.M) == [rule["alert"] for rule in RULES]
    for rule in RULES:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]


def test_the_dashboard_is_one_that_grafana_takes():
    assert re.fullmatch("[A-Za-z0-9_-]{1,40}", BOARD["uid"])
    assert BOARD["title"] and BOARD["schemaVersion"] >= 36
    names = [each["name"] for each in BOARD["templating"]["list"]]
    assert names == ["datasource", "instance"]
    assert BOARD["templating"]["list"][0]["type"] == "datasource"
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        if panel["type"] == "row":
            continue
        assert panel["datasource"]["uid"] == "${datasource}" and panel["title"]
        assert panel["targets"] and all("$instance" in each["expr"] for each in panel["targets"])
        references = [each["refId"] for each in panel["targets"]]
        assert len(set(references)) == len(references)


def test_no_two_panels_overlap():
    taken: dict[tuple[int, int], str] = {}
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, (panel["title"], taken[x, y])
                taken[x, y] = panel["title"]


def test_cloudwatch_takes_the_alarms():
    (block,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.M | re.S)
    for alarm in json.loads(block):
        assert problems("cloudwatch", "PutMetricAlarm", alarm) == []
        assert ("Statistic" in alarm) != ("ExtendedStatistic" in alarm)
