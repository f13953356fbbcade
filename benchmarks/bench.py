"""Lists the benchmarks and runs them: `bench.py --list`, `bench.py`, `bench.py NAME ...`.

Each is a program of its own, `python benchmarks/NAME.py --help`. What one needs and this machine
lacks (`NEEDS` in its file) is said, and the benchmark is left out.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
NO_BENCHMARKS = {"measure", "bench"}


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


HAVE: dict[str, tuple[Callable[[], bool], str]] = {
    "data": (lambda: bool(os.environ.get("BYOA_TEST_DATA")), "set BYOA_TEST_DATA (Penn-Fudan)"),
    "docker": (lambda: shutil.which("docker") is not None, "docker, and `make image`"),
    "gpu": (_has_gpu, "an NVIDIA GPU"),
    "wrk": (lambda: shutil.which("wrk") is not None, "wrk on PATH"),
    "java": (lambda: shutil.which("java") is not None, "java on PATH, for TorchServe"),
}


@dataclass(frozen=True)
class Benchmark:
    """A program in this folder: its name, first line, and what it needs beside the project."""

    name: str
    says: str
    needs: tuple[str, ...]

    def lacks(self) -> list[str]:
        """What this machine has not got, in words."""
        return [HAVE[need][1] for need in self.needs if not HAVE[need][0]()]


def benchmarks() -> list[Benchmark]:
    """Every benchmark here, read and not imported."""
    found = []
    for path in sorted(HERE.glob("*.py")):
        if path.stem in NO_BENCHMARKS or path.stem.startswith("_"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        says = (ast.get_docstring(tree) or path.stem).splitlines()[0]
        found.append(Benchmark(path.stem, says, _needs(tree)))
    return found


def _needs(tree: ast.Module) -> tuple[str, ...]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == ["NEEDS"]:
            return tuple(ast.literal_eval(node.value))
    return ()


def main() -> int:
    """Run what was asked for, one after the other; 1 when one of them failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    chosen = parser.parse_args()
    known = {benchmark.name: benchmark for benchmark in benchmarks()}
    strangers = [name for name in chosen.names if name not in known]
    if strangers:
        parser.error(f"there is no {strangers[0]}: {', '.join(known)}")
    failed = []
    for name in chosen.names or known:
        benchmark = known[name]
        lacks = benchmark.lacks()
        if chosen.list or lacks:
            note = f" (skipped here: needs {' and '.join(lacks)})" if lacks else ""
            print(f"{name:20} {benchmark.says}{note}", flush=True)
            continue
        print(f"\n== {name}: {benchmark.says}", flush=True)
        began = time.monotonic()
        if subprocess.run([sys.executable, HERE / f"{name}.py"], check=False).returncode:
            failed.append(name)
        print(f"== {name}: {time.monotonic() - began:.0f} s", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
