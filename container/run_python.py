"""Runs a Python program as `python program args` would, and writes the failure file if it fails.

    python container/run_python.py program.py --name value

The program keeps our stdout and stderr, is `__main__`, and is found again by the processes that it
spawns. Its traceback is printed as Python prints it, without our frames.
"""

from __future__ import annotations

import os
import sys
import types
from typing import Any

Trace = types.TracebackType | None


def main() -> None:
    """Becomes the program in sys.argv[1]."""
    sys.argv = sys.argv[1:]
    program = sys.argv[0]
    # What is first on sys.path is our folder: a program of ours would shadow the user's modules.
    if not getattr(sys.flags, "safe_path", False):  # PYTHONSAFEPATH puts no folder there at all
        sys.path[0] = os.path.dirname(os.path.realpath(program))  # noqa: PTH120
    # Last: stand-ins for what AWS's framework images have beside the framework (stand_ins/).
    sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "stand_ins"))  # noqa: PTH100, PTH118, PTH120
    module = sys.modules["__main__"] = _module(os.path.abspath(program))  # noqa: PTH100
    process = os.getpid()
    try:
        exec(_code(module), module.__dict__)  # noqa: S102
    except BaseException as error:
        trace = _without_us(error.__traceback__)
        if os.getpid() == process:  # a fork that fails is for the program to notice
            _record(error.with_traceback(trace))
        _print_without_us()
        raise


def _module(path: str) -> types.ModuleType:
    """An empty `__main__` as Python makes it for a script."""
    from importlib.machinery import SourceFileLoader

    module = types.ModuleType("__main__")
    loader = SourceFileLoader("__main__", path)
    module.__dict__.update(__file__=path, __builtins__=__builtins__, __loader__=loader)
    return module


def _code(module: types.ModuleType) -> types.CodeType:
    import io

    path = str(module.__file__)
    with io.open_code(path) as file:
        return compile(file.read(), path, "exec", dont_inherit=True)


def _without_us(trace: Trace) -> Trace:
    """A traceback from the first frame that is not in this file."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def _print_without_us() -> None:
    """Hides our frames from whatever prints the traceback: Python, or the program's own hook."""
    hook = sys.excepthook

    def print_exception(kind: type[BaseException], error: BaseException, trace: Trace) -> Any:
        trace = _without_us(trace)
        return hook(kind, error.with_traceback(trace), trace)

    sys.excepthook = print_exception


def _record(error: BaseException) -> None:
    """Writes the failure file, whatever state the program left Python in."""
    path = os.environ.get("SM_OUTPUT_FAILURE")
    if not path:
        return
    # A user's own package may be called `container`: ours is loaded in its place for a moment.
    theirs = {name: sys.modules.pop(name) for name in _ours()}
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
    try:
        from container.exception import record

        record(error, path, os.environ)
    except Exception as problem:
        print(f"train: the failure file could not be written: {problem!r}", file=sys.stderr)
    finally:
        del sys.path[0]
        for name in _ours():
            del sys.modules[name]
        sys.modules.update(theirs)


def _ours() -> list[str]:
    return [name for name in sys.modules if name.split(".")[0] == "container"]


if __name__ == "__main__":
    main()
