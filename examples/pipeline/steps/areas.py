"""Features that are made from the measurements."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd


def area(flowers: pd.DataFrame, part: str) -> pd.DataFrame:
    """Length times width, as a table of one column."""
    return (flowers[f"{part}_length"] * flowers[f"{part}_width"]).to_frame(f"{part}_area")


def sepal(product: Path, upstream: Mapping[str, Path]) -> None:
    """How large the sepals are."""
    area(pd.read_csv(upstream["get"]), "sepal").to_csv(product, index=False)


def petal(product: Path, upstream: Mapping[str, Path]) -> None:
    """How large the petals are."""
    area(pd.read_csv(upstream["get"]), "petal").to_csv(product, index=False)


def features(product: Path, upstream: Mapping[str, Path]) -> None:
    """The measurements and the areas, side by side."""
    parts = [upstream["get"], upstream["sepal"], upstream["petal"]]
    pd.concat(map(pd.read_csv, parts), axis="columns").to_csv(product, index=False)
