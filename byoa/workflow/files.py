"""A workflow as a file: a Python program that holds a Workflow, or a definition as JSON or YAML."""

from __future__ import annotations

import importlib.util
import json
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byoa.plan.errors import ByoaError, UsageError
from byoa.workflow.workflow import Workflow

SUFFIXES = {".py": "Python", ".json": "JSON", ".asl": "JSON", ".yaml": "YAML", ".yml": "YAML"}


def is_file(word: str) -> bool:
    """Whether a word is meant as a file; names of workflows have no dots."""
    return Path(word).suffix in SUFFIXES or Path(word).is_file()


def load(path: Path, name: str = "") -> Workflow:
    """The workflow of a file; of several in a program the one of that name."""
    kind = SUFFIXES.get(path.suffix)
    if kind is None:
        raise UsageError(f"{path} is no workflow. Give a file of {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise UsageError(f"There is no file {path}. Give one, or the name of a workflow.")
    if kind == "Python":
        return in_program(path, name)
    read = from_json if kind == "JSON" else from_yaml
    return Workflow(name=name or path.name.partition(".")[0], definition=read(path))


def in_program(path: Path, name: str) -> Workflow:
    """Runs the program, beside its own modules."""
    path = path.absolute()
    spec = importlib.util.spec_from_file_location(f"byoa_workflow_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except ByoaError:
        raise
    except SystemExit as ended:  # parse_args(), sys.exit(): it is loaded as a module is
        raise UsageError(
            f"{path}{line_of(ended, path)}: the program ends itself (exit code {ended.code}) before"
            ' byoa has its Workflow. Put that below `if __name__ == "__main__":`.'
        ) from ended
    except Exception as error:
        raise UsageError(
            f"{path}{line_of(error, path)}: {type(error).__name__}: {error}."
        ) from error
    finally:
        sys.path.remove(str(path.parent))
    found = {one.name: one for one in map(workflow_of, vars(module).values()) if one}
    if name in found or (len(found) == 1 and not name):
        return found[name] if name else next(iter(found.values()))
    if not found:
        raise UsageError(f"{path} holds no Workflow. Write: workflow = Workflow(name=…, …)")
    said = f"no workflow {name}" if name else f"{len(found)} workflows"
    raise UsageError(f"{path} holds {said}. Name one with --name: {', '.join(sorted(found))}.")


def line_of(error: BaseException, path: Path) -> str:
    """Where in the program it happened, as far as can be told."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame.lineno for frame in frames if frame.filename == str(path)]
    number = error.lineno if isinstance(error, SyntaxError) else inside[-1] if inside else None
    return f", line {number}" if number else ""


def workflow_of(value: Any) -> Workflow | None:
    """A Workflow, or the one that a ready-made pipeline has made."""
    if not isinstance(value, type) and hasattr(value, "get_workflow"):
        value = value.get_workflow()
    return value if isinstance(value, Workflow) else None


def from_json(path: Path) -> dict[str, Any]:
    try:
        return mapping(path, json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no JSON: {error}. Mend that line.") from error


def from_yaml(path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ImportError:
        raise UsageError(
            f"{path} needs a reader of YAML: pip install pyyaml. Or write JSON."
        ) from None
    try:
        return mapping(path, yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        where = str(error).replace("<unicode string>", path.name).replace("\n", " ")
        raise UsageError(f"{path} is no YAML: {' '.join(where.split())}. Mend that.") from error


def mapping(path: Path, found: Any) -> dict[str, Any]:
    if not isinstance(found, Mapping):
        raise UsageError(f"{path} holds no object. A definition has StartAt and States.")
    return dict(found)
