"""A pipeline that a user's function makes: `location: module.function`, `--entry-point mod.fn`."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byoa.pipeline.entry import Beginning
from byoa.pipeline.importing import importing
from byoa.pipeline.modules import Modules
from byoa.plan.errors import ByoaError, UsageError
from byoa.plan.pipeline.model import Pipeline as Model
from byoa.plan.pipeline.placeholders import meant_by
from byoa.plan.pipeline.upstream import CodeError

if TYPE_CHECKING:
    from byoa.pipeline.load import Around


def made_by(start: Beginning, overrides: Mapping[str, str], around: Around) -> Model:
    """What the factory returns, as a Pipeline; paths are relative to where it is called."""
    from byoa.pipeline.load import import_folders

    root = start.root if start.file else around.cwd.resolve()
    folder = start.file.parent if start.file else root
    folders = import_folders(root, folder)
    modules = Modules(folders)
    before = Path.cwd()
    with importing(folders), redirect_stdout(sys.stderr):
        try:
            os.chdir(folder)
            factory = modules.load(start.factory.replace("::", "."))
            made = factory(**keywords_of(factory, overrides))
        except CodeError as error:
            raise UsageError(f"{error}") from error
        except ByoaError:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise UsageError(f"{start.factory} fails: {said}.") from error
        finally:
            os.chdir(before)
        return as_model(made, start.factory)


def keywords_of(factory: Any, overrides: Mapping[str, str]) -> dict[str, Any]:
    """--env--KEY VALUE: an argument of the factory, or a value of its @with_env."""
    takes = set() if hasattr(factory, "takes_env") else set(inspect.signature(factory).parameters)
    return {
        key if key in takes else f"env__{dashed(key)}": meant_by(value)
        for key, value in overrides.items()
    }


def dashed(key: str) -> str:
    return key.replace("--", "__").replace(".", "__")


def as_model(made: Any, factory: str) -> Model:
    """A Pipeline of byoa.pipeline, a DAG of Ploomber's names, or the plan's own."""
    if isinstance(made, Model):
        return made
    model = getattr(made, "model", None)
    found = model() if callable(model) else model
    if not isinstance(found, Model):
        raise UsageError(f"{factory} returns {type(made).__name__}, no pipeline.")
    return found
