"""What decides a task's result, as plain readable values."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import math
import pickle
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from byoa.plan.pipeline.model import SINGLE, Fingerprint, Product, Task

#: Options that change how a task is checked or shown, not what it makes.
IDLE = frozenset(
    {
        "check_if_kernel_installed",
        "debug_mode",
        "local_execution",
        "papermill_params",
        "static_analysis",
        "staging",
    }
)
ROOT = "{{root}}"
#: A longer value is kept as its hash.
LONGEST = 400
#: Text under such a name is kept as its hash: records are read by people and sent to S3.
SECRET = re.compile(
    r"(?:^|[_\-.])(?:password|passwd|secret|token|api[_-]?key|credentials?|private[_-]?key|access[_-]?key)"
    r"(?:$|[_\-.])",
    re.IGNORECASE,
)
#: An address with a password in it.
LOGIN = re.compile(r"://[^/@\s:]*:[^/@\s]+@")


def settled(
    task: Task,
    source: Mapping[str, str],
    resources: Mapping[str, str],
    image: str = "",
    options: Mapping[str, Any] = {},
    *,
    root: str = "",
) -> Fingerprint:
    """A fingerprint with everything but the upstream's bytes.

    The project's own folder is `{{root}}` in it: it lies elsewhere in a clone and in an image.
    """
    said = {key: value for key, value in task.options.items() if key not in IDLE}
    params = {key: value for key, value in task.params.items() if key != "resources_"}
    return Fingerprint(
        source=source,
        params={key: kept(key, value, root) for key, value in params.items()},
        options={key: kept(key, value, root) for key, value in {**said, **options}.items()},
        resources=resources,
        products={key: place(product) for key, product in task.products.items()},
        image=image,
    )


def place(product: Product) -> str:
    """A product's place in words: its path, or a table's schema and name."""
    if product.relation is None:
        return product.path
    schema, name, kind = product.relation
    return f"{kind} {schema}.{name}" if schema else f"{kind} {name}"


def product_key(task: str, key: str) -> str:
    """The upstream key of a product: the task's name, with a product's own key behind a colon."""
    return task if key == SINGLE else f"{task}:{key}"


def kept(key: str, value: Any, root: str = "") -> Any:
    """A value as records keep it: JSON that is equal only where the values are."""
    said = covered(key, rooted(plain(value), root) if root else plain(value))
    written = text(said)
    return said if len(written) <= LONGEST else {"begins": written[:40], "sha256": sha(written)}


def rooted(said: Any, root: str) -> Any:
    """The same with another word for the project's folder, wherever it stands in it."""
    if isinstance(said, str):
        return ROOT if said == root else said.replace(f"{root}/", f"{ROOT}/")
    if isinstance(said, dict):
        return {name: rooted(inner, root) for name, inner in said.items()}
    return [rooted(inner, root) for inner in said] if isinstance(said, list) else said


def covered(key: str, said: Any) -> Any:
    """The same with secrets as hashes, wherever they are in it."""
    if isinstance(said, str) and (SECRET.search(key) or LOGIN.search(said)):
        return {"hidden": sha(said)[:16]}
    if isinstance(said, dict):
        return {name: covered(name, inner) for name, inner in said.items()}
    return [covered(key, inner) for inner in said] if isinstance(said, list) else said


def sha(written: str) -> str:
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()


def text(said: Any) -> str:
    """JSON by which two values are compared: 1, 1.0 and true differ, as they do for the code."""
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def plain(value: Any) -> Any:
    """Any value as JSON; what JSON has not got is tagged, so that nothing falls together."""
    if value is None or (isinstance(value, bool | int | str) and type(value) in (bool, int, str)):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return {key: plain(item) for key, item in value.items()}
        return {"pairs": [[plain(key), plain(item)] for key, item in value.items()]}
    return odd(value)


def odd(value: Any) -> Any:
    """What YAML does not make, but Python code may hand over."""
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, set | frozenset):
        return {"set": sorted((plain(item) for item in value), key=text)}
    if isinstance(value, enum.Enum):
        return {"enum": f"{type(value).__qualname__}.{value.name}", "value": plain(value.value)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {"type": type(value).__qualname__, **plain(fields)}
    if hasattr(value, "isoformat"):
        return {type(value).__name__: value.isoformat()}
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # a scalar of numpy's
        return {"dtype": str(getattr(value, "dtype", "")), "value": plain(value.item())}
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return {"object": f"{value.__module__}.{value.__qualname__}"}
    try:
        return {"pickle": hashlib.sha256(pickle.dumps(value, protocol=4)).hexdigest()}
    except Exception:  # whatever a stranger's object raises: then its words must do
        return {"type": type(value).__qualname__, "repr": re.sub(r" at 0x\w+", "", repr(value))}
