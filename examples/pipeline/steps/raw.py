"""Where the data comes from."""

from pathlib import Path

from sklearn.datasets import load_iris


def get(product: Path) -> None:
    """The iris flowers: four measurements in centimetres, and which of three species it is."""
    flowers = load_iris(as_frame=True).frame
    flowers.columns = [name.removesuffix(" (cm)").replace(" ", "_") for name in flowers.columns]
    flowers.to_csv(product, index=False)
