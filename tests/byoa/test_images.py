"""Which image a request names."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from byoa import images
from byoa.place import Place
from byoa.settings import Settings
from byoa.task import Image, Program, Task


def test_a_dry_run_names_the_image_that_would_be_pushed():
    session = SimpleNamespace(account="123456789012")
    place = Place("sagemaker", None, None, None, None, session=session, region="eu-west-1")  # type: ignore[arg-type]
    image = Image(dockerfile="FROM scratch", repository="mine")
    task = Task(project="p", name="t", program=Program(script=Path("x.py")), image=image)
    found = images.choose(task, place, Settings(), dry=True)
    assert found.uri == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine:latest"
