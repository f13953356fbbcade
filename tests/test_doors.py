"""The doors between the rooms (DESIGN.md): who may import whom, read from the source by ast."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: boto3 may be looked for by script mode's S3 download only, inside a function (DESIGN.md).
LAZY_BOTO3 = {"container/program.py"}
#: The HTTP side of serving starts here; nothing that these files reach may import torch.
HTTP_SIDE = ("container.serving.app", "container.serving.supervisor", "container.serving.broker")
#: byoa's rooms, and those each one may look into.
BYOA = {
    "cli": {"", "pipeline", "workflow", "aws", "local", "sandbox", "plan"},
    "": {"pipeline", "workflow", "aws", "local", "sandbox", "plan"},
    "pipeline": {"", "workflow", "aws", "local", "plan"},
    "workflow": {"", "aws", "plan"},
    "aws": {"plan"},
    "local": {"plan"},
    "sandbox": {"aws", "local", "plan"},  # it is a client of its own S3
    "plan": set(),
}
#: Of byoa's top level, what every room may use: reading folders and safe unpacking, of the
#: standard library alone.
OPEN_TO_ALL = {"byoa", "byoa.archive", "byoa.files"}
FUNCTION = "infrastructure/lambdas/a/handler.py"
AWS_CLIENTS = {"boto3", "botocore", "sagemaker", "sagemaker_training"}


@dataclass(frozen=True)
class Import:
    """One imported module: its absolute name, and whether it happens when the file is loaded."""

    name: str
    at_load: bool

    @property
    def top(self) -> str:
        return self.name.partition(".")[0]


def python_files(folder: Path) -> Iterator[Path]:
    """Every Python file below a folder, the ones without a suffix too (container/bin/train)."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or "__pycache__" in path.parts:
            continue
        if path.suffix == ".py" or (path.suffix == "" and b"python" in path.read_bytes()[:80]):
            yield path


def imports(path: Path, root: Path) -> list[Import]:
    """What a file imports, relative imports made absolute and `from a import b` as a and a.b."""
    tree = ast.parse(path.read_bytes())
    package = path.relative_to(root).parent.parts
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        at_load = id(node) not in inside
        if isinstance(node, ast.Import):
            found += [Import(alias.name, at_load) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            found.append(Import(module, at_load))
            found += [Import(f"{module}.{alias.name}", at_load) for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("import_module", "__import__")
        ):
            argument = node.args[0] if node.args else None
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                found.append(Import(argument.value, at_load))
    return found


def algorithms(root: Path) -> list[Path]:
    """The folders that hold an algorithm: a train.py or a predictor.py right below the root."""
    rooms = {
        *("container", "byoa", "infrastructure", "tests"),
        *("docs", "benchmarks", "local_test", "examples"),
    }
    return sorted(
        folder
        for folder in root.iterdir()
        if folder.is_dir()
        and folder.name not in rooms
        and not folder.name.startswith(".")
        and ((folder / "train.py").is_file() or (folder / "predictor.py").is_file())
    )


def broken_doors(root: Path) -> list[str]:
    """One sentence for every import that goes through a wall."""
    return [
        *algorithm_doors(root),
        *container_doors(root),
        *http_doors(root),
        *byoa_doors(root),
        *function_doors(root),
    ]


def algorithm_doors(root: Path) -> Iterator[str]:
    for folder in algorithms(root):
        for path in python_files(folder):
            for found in imports(path, root):
                if found.top in {"container", "byoa"} | AWS_CLIENTS:
                    yield f"{path.relative_to(root)}: an algorithm imports {found.name}"


def container_doors(root: Path) -> Iterator[str]:
    inner = {path.stem for folder in algorithms(root) for path in folder.glob("*.py")}
    forbidden = {folder.name for folder in algorithms(root)} | inner | {"byoa"} | AWS_CLIENTS
    for path in python_files(root / "container"):
        name = path.relative_to(root).as_posix()
        for found in imports(path, root):
            lazy = name in LAZY_BOTO3 and found.top in {"boto3", "botocore"} and not found.at_load
            if found.top in forbidden and not lazy:
                yield f"{name}: container imports {found.name}"


def http_doors(root: Path) -> Iterator[str]:
    """Follows every import of the HTTP side inside container, wherever in the file it stands."""
    seen: set[str] = set()
    waiting = list(HTTP_SIDE)
    while waiting:
        module = waiting.pop()
        path = module_file(root, module)
        if module in seen or path is None:
            continue
        seen.add(module)
        for found in imports(path, root):
            if found.top in {"torch", "torchvision"}:
                yield f"{path.relative_to(root)}: the HTTP side imports {found.name}"
            if found.top == "container":
                waiting.append(found.name)


def module_file(root: Path, module: str) -> Path | None:
    path = root.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def byoa_doors(root: Path) -> Iterator[str]:
    for path in python_files(root / "byoa"):
        parts = path.relative_to(root).parts
        room = parts[1] if len(parts) > 2 else ""
        if room not in BYOA:  # data of the package: templates, the launcher
            continue
        for found in imports(path, root):
            if found.top in {"container", *(folder.name for folder in algorithms(root))}:
                yield f"{path.relative_to(root)}: byoa imports {found.name}"
            if room == "plan" and found.top in AWS_CLIENTS | {"time", "subprocess", "socket"}:
                yield f"{path.relative_to(root)}: plan imports {found.name}"
            if room in {"plan", "local"} and found.top in {"boto3", "botocore"}:
                yield f"{path.relative_to(root)}: {room} imports {found.name}"
            if found.top == "byoa" and room_of(found.name, root) not in BYOA[room] | {room, None}:
                yield f"{path.relative_to(root)}: {room or 'top'} imports {found.name}"


def function_doors(root: Path) -> Iterator[str]:
    """A Lambda function has Python, boto3 and byoa.plan, and asks for boto3 when it is called."""
    for path in python_files(root / "infrastructure" / "lambdas"):
        package = path.relative_to(root).with_suffix("").parts[:3]
        for found in imports(path, root):
            name = path.relative_to(root)
            if found.top in AWS_CLIENTS and (
                found.at_load or found.top not in {"boto3", "botocore"}
            ):
                yield f"{name}: a function imports {found.name} when it is loaded"
            elif found.top == "byoa" and f"{found.name}.".split(".")[1] not in {"plan", ""}:
                yield f"{name}: a function imports {found.name}"
            elif found.top == "infrastructure" and tuple(found.name.split(".")[:3]) != package:
                yield f"{name}: a function imports its neighbour {found.name}"
            elif found.top not in {*sys.stdlib_module_names, "byoa", "boto3", "botocore"} and (
                found.top != "infrastructure"
            ):
                yield f"{name}: a function imports {found.name}, which Lambda has not got"


def room_of(name: str, root: Path) -> str | None:
    """The room of a module of byoa; "" for its top level, None for what every room may use."""
    second = f"{name}.".split(".")[1]
    if second in BYOA and second:
        return second
    if ".".join(name.split(".")[:2]) in OPEN_TO_ALL or not module_file(root, f"byoa.{second}"):
        return None
    return ""


def test_every_door_holds():
    assert broken_doors(ROOT) == []


@pytest.mark.parametrize(
    ("path", "source", "said"),
    [
        ("mask_r_cnn/model.py", "import container.root", "an algorithm imports container.root"),
        ("mask_r_cnn/model.py", "from byoa import x", "an algorithm imports byoa"),
        ("mask_r_cnn/model.py", "def f():\n    import boto3", "an algorithm imports boto3"),
        ("container/train.py", "import mask_r_cnn", "container imports mask_r_cnn"),
        ("container/train.py", "from model import x", "container imports model"),
        ("container/bin/train", "#!/usr/bin/env python3\nimport byoa", "container imports byoa"),
        ("container/train.py", "import boto3", "container imports boto3"),
        ("container/program.py", "import boto3", "container imports boto3"),
        ("container/hosts.py", "def f():\n    import boto3", "container imports boto3"),
        (
            "container/x.py",
            "import importlib\nimportlib.import_module('mask_r_cnn.model')",
            "container imports mask_r_cnn.model",
        ),
        ("container/serving/app.py", "import torch", "the HTTP side imports torch"),
        ("container/serving/queue.py", "from torch import nn", "the HTTP side imports torch"),
        ("byoa/plan/names.py", "import boto3", "plan imports boto3"),
        ("byoa/plan/names.py", "from byoa.aws import jobs", "plan imports byoa.aws"),
        ("byoa/plan/names.py", "from ..aws import jobs", "plan imports byoa.aws"),
        ("byoa/aws/jobs.py", "import byoa.cli.main", "aws imports byoa.cli.main"),
        ("byoa/local/run.py", "import container.train", "byoa imports container.train"),
        ("byoa/local/run.py", "def f():\n    import boto3", "local imports boto3"),
        ("byoa/local/run.py", "from byoa import task", "local imports byoa.task"),
        ("byoa/task.py", "from byoa.cli import main", "top imports byoa.cli"),
        (FUNCTION, "import boto3", "a function imports boto3 when it is loaded"),
        (FUNCTION, "from byoa.aws import jobs", "a function imports byoa.aws"),
        (FUNCTION, "from byoa import archive", "a function imports byoa.archive"),
        (FUNCTION, "from ..b import handler", "imports its neighbour infrastructure.lambdas.b"),
        (FUNCTION, "import requests", "a function imports requests, which Lambda has not got"),
    ],
)
def test_a_broken_door_is_seen(tmp_path: Path, path: str, source: str, said: str):
    made_up_tree(tmp_path)
    assert broken_doors(tmp_path) == []
    (tmp_path / path).write_text(source + "\n")
    assert any(said in sentence for sentence in broken_doors(tmp_path)), broken_doors(tmp_path)


def made_up_tree(root: Path) -> None:
    """A small house in which every door holds."""
    for path, source in {
        "mask_r_cnn/train.py": "import model\n",
        "mask_r_cnn/model.py": "import torch\n",
        "container/train.py": "from container import program\n",
        "container/program.py": "def download():\n    import boto3\n    return boto3\n",
        "container/hosts.py": "",
        "container/bin/train": "#!/usr/bin/env python3\nimport container.train\n",
        "container/serving/app.py": "from . import queue\n",
        "container/serving/queue.py": "import json\n",
        "container/serving/worker.py": "import torch\n",
        "byoa/plan/names.py": "import hashlib\n",
        "byoa/aws/jobs.py": "import boto3\nfrom byoa.plan import names\n",
        "byoa/local/run.py": "from ..plan import names\n",
        "byoa/archive.py": "",
        "byoa/task.py": "from byoa.local import run\nfrom byoa import archive\n",
        "byoa/cli/main.py": "from byoa.aws import jobs\nfrom byoa import task\n",
        "infrastructure/lambdas/a/handler.py": (
            "from byoa.plan import names\nfrom . import other\ndef f():\n    import boto3\n"
        ),
        "infrastructure/lambdas/a/other.py": "import json\n",
        "infrastructure/lambdas/b/handler.py": "",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(source)


def test_the_http_side_loads_without_torch():
    """The same door at run time: what is imported by name alone cannot hide from this one."""
    modules = [name for name in HTTP_SIDE if module_file(ROOT, name)]
    script = f"import sys, {', '.join(['json', *modules])}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)


def test_http_side_names_files_that_exist():
    if (ROOT / "container/serving").is_dir():
        assert [name for name in HTTP_SIDE if module_file(ROOT, name) is None] == []
