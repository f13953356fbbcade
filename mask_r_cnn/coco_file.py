"""COCO annotation files: any JSON with images, annotations and categories, read with care."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coco_annotation import compact
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


def key_of(value: Any) -> Any:
    """Gives an id that can be looked up: a whole number or a text; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


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
        number = key_of(entry.get("id")) if isinstance(entry, dict) else None
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
