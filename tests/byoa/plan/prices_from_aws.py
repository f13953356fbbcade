"""Writes byoa/plan/prices.json out of AWS's price list, whose address is in AWS's guide:

https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html

    python tests/byoa/plan/prices_from_aws.py us-east-1.json      offers of AmazonSageMaker there
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[3] / "byoa/plan/prices.json"


def prices(offers: dict[str, Any]) -> dict[str, Any]:
    """Dollars for an hour of training on demand, by instance type; the file's region and day."""
    hourly, regions = {}, set()
    for sku, product in offers["products"].items():
        about = product["attributes"]
        if product.get("productFamily") != "ML Instance" or about.get("component") != "Training":
            continue
        found = [
            float(dimension["pricePerUnit"]["USD"])
            for term in offers["terms"]["OnDemand"].get(sku, {}).values()
            for dimension in term["priceDimensions"].values()
            if dimension["unit"] in ("Hrs", "Hours")
        ]
        name = about["instanceName"].removesuffix("-Training")
        if found and name.startswith("ml."):
            hourly[name] = found[0]
            regions.add(about["regionCode"])
    return {
        "date": offers["publicationDate"][:10],
        "source": "AWS Price List API, AmazonSageMaker, training, on demand",
        "currency": "USD",
        "regions": sorted(regions),
        "hourly": dict(sorted(hourly.items())),
    }


if __name__ == "__main__":
    made = prices(json.loads(Path(sys.argv[1]).read_text()))
    TARGET.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
