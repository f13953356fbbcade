"""The programs that write the tables out of AWS's lists, on small lists."""

from __future__ import annotations

import json
from pathlib import Path

from tests.byoa.plan.frameworks_from_aws import IMAGES, as_text, frameworks
from tests.byoa.plan.prices_from_aws import prices


def test_frameworks(tmp_path: Path):
    for name in {image[0] for image in IMAGES}:
        entries: dict[str, dict[str, object]] = {}
        for family, purpose, repository, _, _ in IMAGES:
            if family == name:
                one = {"repository": repository, "registries": {"us-east-1": "1" * 12}}
                listed = {"2.10.0": {**one, "py_versions": ["py2", "py3"]}, "2.9.0": one}
                entries[purpose] = {"versions": {**listed, "0.1.0": one, "3.0-py312": one}}
        (tmp_path / f"{name}.json").write_text(json.dumps(entries))
    made = frameworks(tmp_path, "a list", "2026-01-02")
    assert made["frameworks"]["pytorch"]["training"]["versions"] == {"2.9.0": [], "2.10.0": ["py3"]}
    assert made["frameworks"]["tensorflow"]["inference"]["versions"]["2.10.0"] == []
    assert made["accounts"] == {"dlc": {"us-east-1": "1" * 12}, "ml": {"us-east-1": "1" * 12}}
    assert json.loads(as_text(made)) == made


def test_prices():
    def product(component: str, family: str = "ML Instance") -> dict[str, object]:
        about = {"instanceName": "ml.m5.large", "component": component, "regionCode": "us-east-1"}
        return {"productFamily": family, "attributes": about}

    def term(usd: str, unit: str = "Hrs") -> dict[str, object]:
        return {"t": {"priceDimensions": {"d": {"unit": unit, "pricePerUnit": {"USD": usd}}}}}

    offers = {
        "publicationDate": "2026-10-01T00:00:00Z",
        "products": {
            "A": product("Training"),
            "B": product("Hosting"),
            "C": product("Training", "Storage"),
        },
        "terms": {"OnDemand": {"A": term("0.115"), "B": term("9"), "C": term("1", "GB-Mo")}},
    }
    made = prices(offers)
    assert made["hourly"] == {"ml.m5.large": 0.115}
    assert (made["date"], made["regions"]) == ("2026-10-01", ["us-east-1"])
