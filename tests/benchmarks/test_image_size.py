"""The table of what is in the images adds up, and the page shows what was found."""

import json

import image_size
import measure


def test_parts_and_the_rest_are_the_whole():
    found = {"torch": 7_000_000, "nvidia": 5_000_000, "nvidia/nccl": 4_000_000, "numpy": 900_000}
    table = image_size.rows(found, whole=15_000_000)
    assert [(row["part"], row["mb"]) for row in table] == [
        ("torch", 7), ("NCCL", 4), ("other CUDA", 1), ("numpy", 1), ("other packages", 2),
    ]  # fmt: skip
    assert image_size.total(table) == 15
    assert "| NCCL | 4 | several GPUs" in image_size.markdown(table)


def test_the_page_has_the_last_result():
    found = json.loads((measure.RESULTS / "image_size.json").read_text())["megabytes"]
    page = image_size.PAGE.read_text(encoding="utf-8")
    assert image_size.replaced(page, found) == page
    for image, most in image_size.IMAGES.items():
        assert image_size.total(found[image]) <= most
