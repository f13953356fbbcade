"""`byoa build`: the image, here or on AWS."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from byoa.build import SCRIPT, Build, build_and_push, dockerfile, make
from byoa.cli.common import add_common, settings_of
from byoa.cli.show import emit, say
from byoa.images import algorithm
from byoa.place import open_place
from byoa.plan.errors import UsageError
from byoa.plan.names import fitted
from byoa.settings import NAME, Settings
from byoa.toolkit import staged

HELP = "build the image, push it to ECR"
EXAMPLES = """\
byoa build                                     the folder's image: by its Dockerfile, or by byoa's
                                               own around the algorithm in it
byoa build --push                              and push it to ECR; prints REPOSITORY@DIGEST
byoa build --push --on sandbox                 push it to the sandbox's registry instead
byoa build --on codebuild                      let AWS build and push it: no docker needed here
byoa build --packages serve                    the small image without torch that only serves
byoa build --df "RUN pip install lightgbm" --base-image python:3.12-slim --image lgbm:v1
"""


#: Build arguments of byoa's own Dockerfile that are not flags alone.
OWN_ARGUMENTS = {"BASE_IMAGE", "TORCH_INDEX", "PRETRAINED"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser, dry_run=True, places=("docker", "codebuild", "sandbox"))
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="what is built (.)")
    parser.add_argument("--image", help="NAME[:TAG], here and in ECR (byoa.toml, else the folder)")
    parser.add_argument("--push", action="store_true", help="push it to ECR and check it there")
    parser.add_argument("--force", action="store_true", help="build even if nothing changed")
    parser.add_argument(
        "--verbose", "-v", action="store_true", help="docker's own lines instead of a bar"
    )
    parser.add_argument(
        "--df", "--docker_file_path_or_content", help="a Dockerfile, its folder, or its text"
    )
    parser.add_argument("--base-image", default="", help="fills __BASE_IMAGE__ and a missing FROM")
    parser.add_argument(
        "--build-arg", action="append", default=[], metavar="NAME=VALUE", help="repeatable"
    )
    group = parser.add_argument_group("For a folder without a Dockerfile, or this project's own")
    group.add_argument("--algorithm", help="the folder that is the algorithm")
    group.add_argument(
        "--packages",
        help="image: with torch; harness: what the algorithm's requirements.txt names;"
        " serve: Mask R-CNN without torch, only serves",
    )
    group.add_argument("--pretrained", help="weights to bake in: none, coco, imagenet")
    kind = group.add_mutually_exclusive_group()
    kind.add_argument("--gpu", action="store_true", help="the default index's CUDA build of torch")
    kind.add_argument("--cpu", action="store_true", help="the small build of --torch-index")
    group.add_argument("--torch-index", help="an index of other torch builds (TORCH_INDEX)")


def run(arguments: argparse.Namespace) -> int:
    there = arguments.on == "codebuild"
    arguments.on = "sandbox" if arguments.on == "sandbox" else None  # else it is who builds
    if not arguments.config and (arguments.folder / NAME).is_file():
        arguments.config = arguments.folder / NAME
    settings = settings_of(arguments)
    with folder_of(arguments, settings) as folder:
        build = asked(arguments, settings, folder)
        if arguments.dry_run:
            return print_build(build, there, arguments)
        if there or arguments.push:
            uri = on_aws(build, settings, there, arguments.force)
        else:
            make(build, say, arguments.force)
            uri = build.image
    emit({"image": uri} if arguments.json else uri, arguments)
    return 0


@contextmanager
def folder_of(arguments: argparse.Namespace, settings: Settings) -> Iterator[Path]:
    """The folder that docker is given: the one that was named, or byoa's own files around its
    algorithm where it has no Dockerfile."""
    folder: Path = arguments.folder
    if arguments.df or any((folder / name).is_file() for name in ("Dockerfile", SCRIPT)):
        yield folder
        return
    here = settings
    if settings.folder.resolve() != folder.resolve() and (
        folder != Path() or not settings.algorithm
    ):
        here = replace(settings, folder=folder, algorithm="", image="")  # byoa.toml is not its own
    try:
        where = folder / arguments.algorithm if arguments.algorithm else algorithm(here)
    except UsageError as error:
        raise UsageError(
            f"There is no Dockerfile in {folder.absolute()}; name one with --df."
            f" For byoa's own: {error}"
        ) from None
    arguments.algorithm = where.resolve().name
    arguments.packages = arguments.packages or settings.build.get("packages", "harness")
    arguments.base_image = arguments.base_image or settings.build.get("base", "")
    with staged(where) as made:
        yield made


def print_build(build: Build, there: bool, arguments: argparse.Namespace) -> int:
    """What --dry-run says."""
    told = {**vars(build), "folder": str(build.folder or ""), "by_script": build.by_script}
    del told["loud"]
    if not build.by_script:
        told["dockerfile"] = build.text
    told |= {"context": build.mark, "builder": "codebuild" if there else "docker"}
    print(json.dumps({**told, "push": arguments.push or there}, indent=2))
    return 0


def on_aws(build: Build, settings: Settings, there: bool, force: bool) -> str:
    """Whatever byoa.toml says jobs run on: ECR is AWS's, or the sandbox's."""
    project = settings.need_project()
    tags = {**settings.tags, "byoa:project": project}
    place = open_place(replace(settings, on="sandbox" if settings.on == "sandbox" else "sagemaker"))
    if there:
        from byoa.on_codebuild import build_there

        return build_there(place, project, build, tags, say, force)
    return build_and_push(place.session, build, tags, say, force)


def asked(arguments: argparse.Namespace, settings: Settings, folder: Path | None) -> Build:
    text = ""
    if arguments.df:
        near, text = dockerfile(arguments.df, arguments.base_image or settings.framework_image)
        folder = near if folder == Path() else folder
    named = arguments.algorithm or "mask_r_cnn"  # build_and_push.sh's own default
    own = folder == arguments.folder and folder and (folder / SCRIPT).is_file()
    of = named if own else arguments.folder.resolve().name
    name = arguments.image or settings.image.rpartition("@")[0] or settings.image
    name = name or fitted(of).lower()
    tag = "serve" if arguments.packages == "serve" else "latest"  # as the script has it
    if tag == "serve" and not arguments.image and settings.build.get("packages") != "serve":
        name = name.removesuffix(":latest")  # what trains keeps its name
    name = name if ":" in name.rpartition("/")[2] else f"{name}:{tag}"
    variables = dict(pair(one) for one in arguments.build_arg)
    odd = sorted(variables.keys() - OWN_ARGUMENTS)
    if odd and folder != arguments.folder and not arguments.df:
        raise UsageError(f"byoa's own Dockerfile has no argument {odd[0]}. Bring one of your own.")
    loud = arguments.verbose
    build = Build(image=name, folder=folder, dockerfile=text, variables=variables, loud=loud)
    return replace(build, variables=variables | script(arguments)) if build.by_script else build


def script(arguments: argparse.Namespace) -> dict[str, str]:
    """build_and_push.sh's settings, as the environment variables that it reads."""
    index = arguments.torch_index or os.environ.get("TORCH_INDEX", "")
    if arguments.cpu and not index:
        raise UsageError("--cpu needs an index of CPU builds of torch. Give --torch-index URL.")
    said: dict[str, Any] = {
        "ALGORITHM": arguments.algorithm,
        # the script would read these by itself, and the mark would not know
        "PRETRAINED": arguments.pretrained or os.environ.get("PRETRAINED") or None,
        "PACKAGES": arguments.packages,
        "BASE_IMAGE": arguments.base_image or os.environ.get("BASE_IMAGE") or None,
        "TORCH_INDEX": "" if arguments.gpu else index or None,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise UsageError(f"--build-arg {text!r} is not NAME=VALUE.")
    return name, value
