"""Folders of pictures beside folders of masks: Penn-Fudan and its like, found by their names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from channel_files import ChannelFiles
from pictures import SUFFIXES
from problems import Problems

# Folder of the pictures, folder of the masks (any case), and what the masks show
_FOLDERS = (("pngimages", "pedmasks", "pedestrian"), ("images", "masks", "object"))
_EXACT_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".gif")  # what keeps values as they are
_ENDINGS = ("_mask", "-mask", ".mask")


@dataclass(frozen=True)
class MaskPairs:
    """One pair of folders: paths of pictures and of masks, by what their names share."""

    name: str  # for messages: the folder of the masks
    class_name: str
    pictures: dict[str, str]
    masks: dict[str, str]


def find_mask_pairs(files: ChannelFiles, named: set[str], problems: Problems) -> list[MaskPairs]:
    """Finds pairs of folders in the channel or one folder below, less the pictures named."""
    folders: dict[tuple[str, str], list[str]] = {}
    for path in files:
        parts = PurePosixPath(path).parts
        for depth in (0, 1):
            if len(parts) > depth + 1:
                place = ("/".join(parts[:depth]), parts[depth].lower())
                folders.setdefault(place, []).append(path)
    found = []
    for parent, folder in folders:
        for images, masks, class_name in _FOLDERS:
            if folder == masks and (parent, images) in folders:
                depth = 2 if parent else 1
                pairing = _Pairing(depth, problems)
                claimed = pairing.add_pictures(folders[parent, images], named)
                pairing.add_masks(folders[parent, masks], claimed)
                if pairing.pictures or not claimed:
                    name = "/".join(folders[parent, masks][0].split("/")[:depth])
                    found.append(MaskPairs(name, class_name, pairing.pictures, pairing.masks))
    return found


class _Pairing:
    """Sorts paths by what a picture and its mask share: the path below, less ending and suffix."""

    def __init__(self, depth: int, problems: Problems) -> None:
        self.pictures: dict[str, str] = {}
        self.masks: dict[str, str] = {}
        self._depth = depth
        self._problems = problems

    def add_pictures(self, paths: Iterable[str], named: set[str]) -> set[str]:
        """Takes pictures; returns the keys of those that are named elsewhere."""
        claimed = set()
        for path in paths:
            key = self._key(path)
            if path in named:
                claimed.add(key)
            elif path.lower().endswith(SUFFIXES) and self.pictures.setdefault(key, path) != path:
                both = f"{self.pictures[key]}, {path}"
                self._problems.add("pictures that share a mask", "rename one", both)
        return claimed

    def add_masks(self, paths: Iterable[str], claimed: set[str]) -> None:
        """Takes masks, but those of pictures that are claimed elsewhere."""
        for path in paths:
            key = self._mask_key(path, claimed)
            if key in claimed or not path.lower().endswith(SUFFIXES):
                continue
            if not path.lower().endswith(_EXACT_SUFFIXES):
                self._problems.add("masks in a format that changes values", "save as PNG", path)
            if self.masks.setdefault(key, path) != path:
                both = f"{self.masks[key]}, {path}"
                self._problems.add("masks of the same picture", "remove one", both)

    def _mask_key(self, path: str, claimed: set[str]) -> str:
        key = self._key(path)
        for ending in _ENDINGS:
            if key not in self.pictures and key not in claimed:
                key = key.removesuffix(ending)
        return key

    def _key(self, path: str) -> str:
        return "/".join(PurePosixPath(path).with_suffix("").parts[self._depth :])
