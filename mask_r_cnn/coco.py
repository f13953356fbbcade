"""COCO annotation files: any JSON with images, annotations and categories, trusted in nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from categories import Categories
from channel_files import ChannelFiles, measure
from coco_annotation import OutlineError, compact, instance_of
from instances import Instance, Picture
from problems import Problems

MAX_BYTES = 4 * 2**30
_PARTS = ("images", "annotations", "categories")
_LONGEST_NAME = 200
_SPLIT = "split it into several files of fewer pictures"


@dataclass(frozen=True)
class CocoFile:
    """One annotation file, read: its name in the channel, images, annotations and classes."""

    name: str
    images: list[Any]
    annotations: list[Any]
    classes: dict[int, str]  # by category id


def read_coco(folder: Path, name: str, problems: Problems) -> CocoFile | None:
    """Reads a JSON file; None when it is not meant as COCO annotations, or cannot be used."""
    document = _document(folder / name, name, problems)
    if not isinstance(document, dict) or not isinstance(document.get("images"), list):
        return None
    for part in _PARTS:
        if not isinstance(document.get(part), list):
            problems.add(f"{name} has no list of {part}", "export it again as COCO instances")
            return None
    classes = _classes(name, document["categories"], problems)
    return CocoFile(name, document["images"], document["annotations"], classes)


class CocoReader:
    """Turns one annotation file into pictures with instances."""

    def __init__(
        self, source: CocoFile, files: ChannelFiles, problems: Problems, notes: Counter[str]
    ) -> None:
        self.source = source
        self._files = files
        self._problems = problems
        self._notes = notes
        self._found: dict[Any, str] = {}  # paths by image id

    def classes(self) -> list[tuple[str, int]]:
        """Lists the names of the classes with their category ids."""
        return [(name, number) for number, name in self.source.classes.items()]

    def pictures(self, categories: Categories) -> Iterator[Picture]:
        """Yields the pictures that were found, by path, with instances; notes what is wrong."""
        found = self._found
        sizes = measure(self._files.folder, dict.fromkeys(found.values()), self._problems)
        annotations = self._by_image(categories)
        images = [image for image in self._images() if found.get(image["id"]) in sizes]
        for image in sorted(images, key=lambda image: found[image["id"]]):
            path = found[image["id"]]
            width, height = sizes[path]
            if self._agrees(image, width, height):
                # Taken out, so that memory is freed while the packed form grows
                instances = self._instances(annotations.pop(image["id"], []), width, height)
                yield Picture(0, self._files.folder / path, width, height, tuple(instances))

    def _images(self) -> Iterator[dict[str, Any]]:
        return (image for image in self.source.images if _is_image(image))

    def find(self, sharded: bool) -> set[str]:
        """Finds the file of each image; notes wrong ids and files that are not there."""
        found = self._found
        seen: dict[Any, str] = {}
        name = self.source.name
        for place, image in enumerate(self.source.images):
            if not _is_image(image):
                self._note("has images without an id or a file_name", f"number {place + 1}")
                continue
            number, written = image["id"], image["file_name"]
            if seen.setdefault(number, written) != written:
                self._note("uses an image id twice", f"{number} ({seen[number]}, {written})")
            paths = self._files.find(written, name)
            if len(paths) == 1:
                found[number] = paths[0]
            elif paths:
                self._note("has file names that fit several pictures", f"{written}: {paths[0]}, …")
            elif sharded:
                self._notes["pictures on other hosts"] += 1
            else:
                self._problems.add(
                    f"{name} names pictures that are not there",
                    "add them to the channel or take their entries out",
                    written,
                )
        return set(found.values())

    def _by_image(self, categories: Categories) -> dict[Any, list[tuple[int, dict[str, Any]]]]:
        """Groups annotations by image id, each with its label."""
        known = {image["id"] for image in self._images()}
        labels = categories.labels()
        grouped: dict[Any, list[tuple[int, dict[str, Any]]]] = {}
        for place, one in enumerate(self.source.annotations):
            if not isinstance(one, dict):
                self._note("has annotations that are not objects", f"number {place + 1}")
                continue
            image_id, category = _key(one.get("image_id")), _key(one.get("category_id"))
            class_name = self.source.classes.get(category) if category is not None else None
            if image_id not in known:
                self._note("has annotations of images that it does not list", _of(one))
            elif class_name is None:
                self._note("has annotations of categories that it does not list",
                           f"{_of(one)} (category_id {one.get('category_id')!r})")  # fmt: skip
            elif class_name not in labels:
                self._problems.add(
                    "classes that the training channel does not have",
                    "use the class names of training",
                    class_name,
                )
            else:
                grouped.setdefault(image_id, []).append((labels[class_name], one))
        self.source.annotations.clear()
        return grouped

    def _instances(
        self, annotations: list[tuple[int, dict[str, Any]]], width: int, height: int
    ) -> Iterator[Instance]:
        for label, one in annotations:
            try:
                instance = instance_of(one, label, width, height, self._notes)
            except OutlineError as problem:
                self._note(problem.what, f"{_of(one)}{problem.detail}", problem.advice)
                continue
            if instance is None:
                self._notes["instances without a surface, left out"] += 1
            else:
                yield instance

    def _agrees(self, image: dict[str, Any], width: int, height: int) -> bool:
        """Tells whether the size that was annotated is the picture's; none given is fine."""
        written = (image.get("width"), image.get("height"))
        if written == (width, height) or not any(written):
            return True
        self._note(
            "was made for pictures of another size",
            f"{image['file_name']} ({written[0]} x {written[1]}, the upright picture has "
            f"{width} x {height})",
            "scale the annotations with the pictures, or export them again",
        )
        return False

    def _note(self, what: str, name: str, advice: str = "correct or remove them") -> None:
        self._problems.add(f"{self.source.name} {what}", advice, name)


def _document(path: Path, name: str, problems: Problems) -> Any:
    """Parses a JSON file, with or without a byte-order mark; None when that cannot be done."""
    if path.stat().st_size > MAX_BYTES:
        problems.add(f"{name} is larger than {MAX_BYTES // 2**30} GiB", _SPLIT)
        return None
    try:
        return json.loads(path.read_bytes(), object_hook=compact)
    except UnicodeDecodeError as error:
        problems.add(
            f"{name} is not UTF-8 (byte 0x{error.object[error.start]:02x} at {error.start})",
            "save it as UTF-8",
        )
    except json.JSONDecodeError as error:
        problems.add(
            f"{name} is not whole JSON (line {error.lineno}, column {error.colno}: {error.msg})",
            "upload it again",
        )
    except RecursionError:
        problems.add(f"{name} is nested too deeply for COCO", "export it again")
    except ValueError:
        problems.add(f"{name} has numbers that are too long", "export it again")
    except MemoryError:
        problems.add(f"{name} does not fit the memory", _SPLIT)
    return None


def _classes(name: str, entries: list[Any], problems: Problems) -> dict[int, str]:
    """Reads the categories: any order, ids with gaps."""
    classes: dict[int, str] = {}
    for entry in entries:
        number = _key(entry.get("id")) if isinstance(entry, dict) else None
        title = _title(entry.get("name")) if isinstance(entry, dict) else ""
        if not isinstance(number, int) or not title:
            problems.add(
                f"{name} has categories without a whole-number id and a printable name",
                "correct them",
                repr(entry),
            )
        elif classes.setdefault(number, title) != title:
            problems.add(
                f"{name} gives one category id to two classes",
                "give each its own",
                f"{number} ({classes[number]}, {title})",
            )
    return classes


def _title(value: Any) -> str:
    """Gives a class name with plain spaces; empty when it is none, or cannot be printed."""
    title = " ".join(value.split()) if isinstance(value, str) else ""
    return title if title.isprintable() and len(title) <= _LONGEST_NAME else ""


def _is_image(image: Any) -> bool:
    return (
        isinstance(image, dict)
        and _key(image.get("id")) is not None
        and isinstance(image.get("file_name"), str)
    )


def _key(value: Any) -> Any:
    """Gives an id that can be looked up: a whole number or a text; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def _of(annotation: dict[str, Any]) -> str:
    return f"annotation {annotation.get('id')!r}"
