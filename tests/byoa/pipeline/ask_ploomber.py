"""Asks a real Ploomber what it makes of ploomber_cases.py, and writes ploomber_says.json.

    PYTHON_THAT_HAS_PLOOMBER tests/byoa/pipeline/ask_ploomber.py

Nothing of byoa is needed; the file it writes is what test_ploomber_parity.py compares with.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import warnings
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SAYS = HERE / "ploomber_says.json"


def cases() -> Any:
    spec = spec_from_file_location("ploomber_cases", HERE / "ploomber_cases.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ask(files: dict[str, str], tasks: str) -> dict[str, Any]:
    """{task: products, params, upstream}, paths relative to the project."""
    from ploomber.spec import DAGSpec

    folder = Path(tempfile.mkdtemp()).resolve()
    for name, text in {"tasks.py": tasks, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    os.chdir(folder)
    entry = next(name for name in files if name.startswith("pipeline"))
    dag = DAGSpec(entry, lazy_import=True).to_dag()
    found = {
        str(name): {
            "products": products(dag[name].product, folder),
            "params": params(dag[name].params.to_dict(), folder),
            "upstream": sorted(dag[name].upstream),
        }
        for name in dag._iter()
    }
    os.chdir(HERE)
    return found


def params(given: dict[str, Any], folder: Path) -> Any:
    own = {key: value for key, value in given.items() if key not in {"product", "upstream"}}
    return json.loads(json.dumps(own, default=str).replace(str(folder), "HERE"))


def products(product: Any, folder: Path) -> Any:
    from ploomber.products import MetaProduct

    if isinstance(product, MetaProduct):
        inner = product.products.products
        return {key: one(value, folder) for key, value in inner.items()}
    return {"": one(product, folder)}


def one(product: Any, folder: Path) -> Any:
    identifier = product._identifier
    if hasattr(identifier, "kind"):
        return [identifier.schema or "", identifier.name, identifier.kind]
    text = str(getattr(identifier, "_raw", identifier))
    return os.path.relpath(text, folder)


def main() -> None:
    warnings.simplefilter("ignore")
    module = cases()
    said = {}
    for name, files in module.CASES.items():
        try:
            said[name] = ask(files, module.TASKS)
        except Exception as error:
            print(name, type(error), error, error.__cause__, file=sys.stderr)
            raise
    SAYS.write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
