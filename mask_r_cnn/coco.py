"""COCO annotations to pictures with instances; nothing in the file is trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from categories import Categories
from channel_files import ChannelFiles
from coco_annotation import OutlineError, instance_of
from coco_file import CocoFile, key_of
from instances import Instance, Picture
from picture_check import measure
from problems import Problems


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
        foreign: set[str] = set()
        for place, one in enumerate(self.source.annotations):
            if not isinstance(one, dict):
                self._note("has annotations that are not objects", f"number {place + 1}")
                continue
            image_id, category = key_of(one.get("image_id")), key_of(one.get("category_id"))
            class_name = self.source.classes.get(category) if category is not None else None
            if image_id not in known:
                self._note("has annotations of images that it does not list", _of(one))
            elif class_name is None:
                self._note("has annotations of categories that it does not list",
                           f"{_of(one)} (category_id {one.get('category_id')!r})")  # fmt: skip
            elif class_name not in labels:
                foreign.add(class_name)
            else:
                grouped.setdefault(image_id, []).append((labels[class_name], one))
        for class_name in sorted(foreign):
            self._problems.add(
                "classes that the training channel does not have",
                "use the class names of training",
                class_name,
            )
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


def _is_image(image: Any) -> bool:
    return (
        isinstance(image, dict)
        and key_of(image.get("id")) is not None
        and isinstance(image.get("file_name"), str)
    )


def _of(annotation: dict[str, Any]) -> str:
    return f"annotation {annotation.get('id')!r}"
