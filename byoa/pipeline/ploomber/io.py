"""@serializer and @unserializer: how what a function returns becomes its products, and back.

https://docs.ploomber.io/en/latest/cookbook/serialization.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

from byoa.plan.errors import ByoaError, UsageError

Write = Callable[[Any, Any], Any]
Read = Callable[[Any], Any]
#: `fallback`: what writes everything else.
PICKLERS = {True: "pickle", "pickle": "pickle", "joblib": "joblib", "cloudpickle": "cloudpickle"}


def write_text(value: Any, product: Any) -> None:
    if not isinstance(value, str):
        raise ByoaError(f"{product} takes a text, not {type(value).__name__}.")
    Path(product).write_text(value, encoding="utf-8")


def write_json(value: Any, product: Any) -> None:
    try:
        text = json.dumps(value)
    except TypeError as error:
        raise ByoaError(f"{product} takes what JSON can hold: {error}.") from None
    Path(product).write_text(text, encoding="utf-8")


def write_frame(method: str) -> Write:
    def write(value: Any, product: Any) -> None:
        if not hasattr(value, method):
            raise ByoaError(f"{product} takes a DataFrame, not {type(value).__name__}.")
        getattr(value, method)(product)

    return write


def read_frame(function: str) -> Read:
    def read(product: Any) -> Any:
        return getattr(import_module("pandas"), function)(product)

    return read


WRITERS: Mapping[str, Write] = {
    ".txt": write_text,
    ".json": write_json,
    ".csv": write_frame("to_csv"),
    ".parquet": write_frame("to_parquet"),
}
READERS: Mapping[str, Read] = {
    ".txt": lambda product: Path(product).read_text(encoding="utf-8"),
    ".json": lambda product: json.loads(Path(product).read_text(encoding="utf-8")),
    ".csv": read_frame("read_csv"),
    ".parquet": read_frame("read_parquet"),
}


def chosen(
    own: Mapping[str, Any] | None, defaults: Iterable[str] | None, known: Mapping[str, Any]
) -> dict[str, Any]:
    """What each suffix is handled by."""
    said = [defaults] if isinstance(defaults, str) else list(defaults or ())
    wrong = [suffix for suffix in said if suffix not in known]
    wrong += [suffix for suffix in own or {} if not suffix.startswith(".")]
    if wrong or set(said) & set(own or {}):
        raise UsageError(
            f"serializers: {', '.join(wrong or said)}: defaults has {', '.join(known)}, suffixes"
            " begin with a dot, and each is said once."
        )
    return {**{suffix: known[suffix] for suffix in said}, **(own or {})}


def pickler(fallback: bool | str) -> Any:
    if fallback is False:
        return None
    if fallback not in PICKLERS:
        raise UsageError(f"fallback is {fallback!r}. Write True, 'joblib' or 'cloudpickle'.")
    try:
        return import_module(PICKLERS[fallback])
    except ImportError:
        raise UsageError(f"fallback={fallback!r} needs pip install {fallback}") from None


def serializer(
    extension_mapping: Mapping[str, Write] | None = None,
    *,
    fallback: bool | str = False,
    defaults: Iterable[str] | None = None,
    unpack: bool = False,
) -> Callable[[Write], Write]:
    """Makes a function (value, product) write by the product's suffix first."""
    writers, module = chosen(extension_mapping, defaults, WRITERS), pickler(fallback)

    def decorated(function: Write) -> Write:
        def write(value: Any, product: Any) -> None:
            if unpack and isinstance(value, Mapping):
                Path(product).mkdir(parents=True, exist_ok=True)
                for name, inner in value.items():
                    one(inner, Path(product) / name)
            else:
                one(value, product)

        def one(value: Any, product: Any) -> None:
            suffix = Path(product).suffix
            if suffix in writers:
                writers[suffix](value, product)
            elif module is not None:
                with Path(product).open("wb") as file:
                    module.dump(value, file)
            else:
                function(value, product)

        @wraps(function)
        def called(value: Any, product: Any) -> None:
            if not is_several(product):
                write(value, product)
                return
            check_keys(value, product)
            for key in product.keys():  # noqa: SIM118 - a loop over it goes over its files
                write(value[key], product[key])

        return called

    return decorated


def unserializer(
    extension_mapping: Mapping[str, Read] | None = None,
    *,
    fallback: bool | str = False,
    defaults: Iterable[str] | None = None,
    unpack: bool = False,
) -> Callable[[Read], Read]:
    """Makes a function (product) read by the product's suffix first."""
    readers, module = chosen(extension_mapping, defaults, READERS), pickler(fallback)

    def decorated(function: Read) -> Read:
        def read(product: Any) -> Any:
            if unpack and Path(product).is_dir():
                return {path.name: one(path) for path in sorted(Path(product).iterdir())}
            return one(product)

        def one(product: Any) -> Any:
            suffix = Path(product).suffix
            if suffix in readers:
                return readers[suffix](product)
            if module is None:
                return function(product)
            with Path(product).open("rb") as file:
                return module.load(file)

        @wraps(function)
        def called(product: Any) -> Any:
            if not is_several(product):
                return read(product)
            return {key: read(product[key]) for key in product.keys()}  # noqa: SIM118

        return called

    return decorated


def is_several(product: Any) -> bool:
    return hasattr(product, "keys") and not isinstance(product, Path)


def check_keys(value: Any, product: Any) -> None:
    wanted = set(product.keys())
    if not isinstance(value, Mapping) or set(value) != wanted:
        got = (
            ", ".join(sorted(map(str, value)))
            if isinstance(value, Mapping)
            else type(value).__name__
        )
        raise ByoaError(
            f"A function with the products {', '.join(sorted(wanted))} returns a dict with these"
            f" keys; this one returned {got}."
        )


@serializer(fallback=True)
def serializer_pickle(value: Any, product: Any) -> None:
    """Pickles everything."""


@unserializer(fallback=True)
def unserializer_pickle(product: Any) -> None:
    """Unpickles everything."""


__all__ = ["serializer", "serializer_pickle", "unserializer", "unserializer_pickle"]
