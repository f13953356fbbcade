"""One attempt of a task, in the process that was made for it: hooks, the task's kind, facts."""

from __future__ import annotations

import inspect
import json
import math
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

from byoa.pipeline import hashes
from byoa.pipeline.order import Order
from byoa.pipeline.ploomber import finder
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline.model import Dotted, Kind, Task

#: Who runs a task of each kind: `run(task, order)`. It returns when all products are written.
RUNS: dict[Kind, str] = {
    "function": "byoa.pipeline.kinds.function:run",
    "script": "byoa.pipeline.kinds.script:run",
    "shell": "byoa.pipeline.kinds.shell:run",
    "notebook": "byoa.pipeline.kinds.notebook:run",
    "sql-script": "byoa.pipeline.kinds.sql:run_script",
    "sql-dump": "byoa.pipeline.kinds.sql:run_dump",
    "sql-transfer": "byoa.pipeline.kinds.transfer:run_transfer",
    "sql-upload": "byoa.pipeline.kinds.transfer:run_upload",
    "download": "byoa.pipeline.kinds.download:run",
    "link": "byoa.pipeline.kinds.link:run",
    "input": "byoa.pipeline.kinds.link:run",
    "upload": "byoa.pipeline.kinds.upload:run",
    "train": "byoa.pipeline.kinds.job:train",
    "process": "byoa.pipeline.kinds.job:process",
    "deploy": "byoa.pipeline.kinds.job:deploy",
}


#: product key → the digest of what is large, and the stamp of the file when it was read
Digests: TypeAlias = dict[str, tuple[str, Sequence[int]]]

#: So many letters of an error are told; the log has all.
LONGEST = 4000


class TaskError(ByoaError):
    """A task that cannot have done what it says: a product is missing, a parameter unknown."""


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed: for retries its classes' names, for people a text and a traceback."""

    text: str
    kinds: tuple[str, ...]  #: the exception's class and those above it; or timeout, memory, killed
    traceback: str = ""


@dataclass
class Facts:
    """What an attempt leaves to be told: why it failed, or what it measured."""

    failure: Failure | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    digests: Digests = field(default_factory=dict)

    @property
    def stops(self) -> bool:
        """Whether the task asked for the whole build to end without an error."""
        return self.failure is not None and "DAGBuildEarlyStop" in self.failure.kinds


def attempt(task: Task, order: Order) -> Facts:
    """Runs a task; whatever its code raises is told in the facts, its traceback is in the log."""
    try:
        with surroundings(order):
            execute(task, order)
        return Facts(metrics=order.metrics, digests=read_large(order))
    except BaseException as error:
        return Facts(told(error, task.name))


def execute(task: Task, order: Order) -> None:
    """What the task's kind does, between the task's hooks. Its products are there afterwards."""
    before = set(threading.enumerate())
    try:
        with suppress_good_exit():
            runner(task.kind)(task, order)
        wait_for(set(threading.enumerate()) - before)
    except BaseException as error:
        after_failure(task, order, error)
        raise
    complete(task, order)
    hook(task, order, "on_finish")


def after_failure(task: Task, order: Order, error: BaseException) -> None:
    """Calls on_failure; an error in the hook is told, too, and does not hide the task's own."""
    try:
        hook(task, order, "on_failure")
    except Exception as another:
        if another is not error:
            print(f"on_failure of task {task.name!r} failed, too:", file=sys.stderr)
            traceback.print_exception(type(another), another, users_part(another), chain=False)


@contextmanager
def suppress_good_exit() -> Iterator[None]:
    """`sys.exit()` is an end like any other; with another code than 0 it is a failure."""
    try:
        yield
    except SystemExit as ended:
        if ended.code not in (None, 0):
            raise TaskError(f"it ended itself: sys.exit({ended.code!r})") from None


def wait_for(threads: set[threading.Thread]) -> None:
    """As at a program's end: pools that nobody closed are told to, what still writes is awaited."""
    mine = [thread for thread in threads if not thread.daemon]
    if mine:
        end_pools()
    for thread in mine:
        thread.join()


def end_pools() -> None:
    """joblib's and concurrent.futures' pools would wait for work for ever."""
    for stop in reversed(getattr(threading, "_threading_atexits", [])):
        stop()


def runner(kind: Kind) -> Callable[[Task, Order], None]:
    module, _, name = RUNS[kind].partition(":")
    try:
        found = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise lacking(error, kind) from error
    return found  # type: ignore[no-any-return]


def lacking(error: ModuleNotFoundError, kind: str) -> ByoaError:
    """A part of the extra `pipeline` that is not installed here, as a sentence."""
    return ByoaError(
        f"A {kind} task needs {error.name}, which is not installed here. Run"
        " pip install 'byoa[pipeline]'"
    )


def complete(task: Task, order: Order) -> None:
    """Ends with a sentence when a file that the task has to make is not there."""
    left_out = missing(order)
    if left_out:
        names = ", ".join(repr(path) for path in left_out)
        raise TaskError(
            f"Task {task.name!r} ended well but did not make {names}. It is given as `product`:"
            " write it there"
        )
    order.metrics.update(numbers(order))


def missing(order: Order) -> list[str]:
    """The files that were ordered and are not there, by the names that they would have."""
    return [
        os.path.relpath(order.final[key], order.root)
        for key, place in order.products.items()
        if isinstance(place, Path) and not os.path.lexists(place)
    ]


def numbers(order: Order) -> dict[str, float]:
    """Metrics: the numbers of products that are .json files and hold one flat object."""
    found: dict[str, float] = {}
    for place in order.products.values():
        if not isinstance(place, Path) or place.suffix != ".json" or not place.is_file():
            continue
        if place.stat().st_size > 1 << 16:
            continue
        try:
            held = json.loads(place.read_bytes())
        except (ValueError, RecursionError):
            continue
        if isinstance(held, dict):
            found |= {
                str(name): float(value)
                for name, value in held.items()
                if isinstance(value, int | float)
                and not isinstance(value, bool)
                and abs(value) < 1e300
                and math.isfinite(value)
            }
    return found


def read_large(order: Order) -> Digests:
    """The digests of large products, so that the driver's loop does not wait for the disk."""
    large = {
        key: place
        for key, place in order.products.items()
        if isinstance(place, Path) and (place.is_dir() or place.stat().st_size >= hashes.BIG)
    }
    stamps = {key: hashes.stamped(place) or () for key, place in large.items()}
    return {key: (hashes.content(place), stamps[key]) for key, place in large.items()}


@contextmanager
def surroundings(order: Order) -> Iterator[None]:
    """The root as current folder, the user's folders on sys.path, folders for the products."""
    finder.install()  # `import ploomber` in user code is ours
    os.chdir(order.root)
    folders = [str(Path(order.root, folder)) for folder in order.import_from or ("",)]
    sys.path[:0] = [folder for folder in folders if folder not in sys.path]
    os.environ["PYTHONPATH"] = os.pathsep.join(
        dict.fromkeys([*folders, *filter(None, [os.environ.get("PYTHONPATH")])])
    )  # for scripts and kernels that the task starts
    if order.devices is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = order.devices
    for place in order.products.values():
        if isinstance(place, Path):
            place.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()


def hook(task: Task, order: Order, name: str) -> None:
    """Calls a hook of the task, if it has one, with what it asks for."""
    dotted = task.hooks.get(name)
    if dotted is None:
        return
    from byoa.pipeline.views import TaskView

    view = TaskView(task, order)
    available = {"task": view, "product": view.product, "params": view.params}
    call(dotted, available, f"{name} of task {task.name!r}", {"client": lambda: view.client})


def client(task: Task, order: Order) -> Any:
    """The task's database or shell client, made now."""
    return import_module("byoa.pipeline.clients").of_task(task, order)


def call(
    dotted: Dotted,
    available: Mapping[str, Any],
    what: str,
    made: Mapping[str, Callable[[], Any]] | None = None,
) -> Any:
    """Calls something of the user's with those of the available values that it asks for."""
    function = load(dotted)
    wanted = inspect.signature(function).parameters
    made = made or {}
    values = {name: value for name, value in available.items() if name in wanted}
    values |= {name: make() for name, make in made.items() if name in wanted}
    values |= dotted.arguments
    required = (
        name
        for name, one in wanted.items()
        if one.default is one.empty and one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}
    )
    unknown = [name for name in required if name not in values]
    if unknown:
        known = ", ".join([*available, *made])
        raise TaskError(f"{what} asks for {', '.join(unknown)}. It may ask for {known}.")
    return function(**values)


def load(dotted: Dotted) -> Callable[..., Any]:
    """The thing itself: `module.name`, or what was given from Python."""
    if dotted.object is not None:
        return dotted.object
    found: Callable[..., Any] = named(dotted.path)
    return found


def named(path: str) -> Any:
    """What `package.module.name` is; an error inside of the module is the module's own."""
    module, _, name = path.replace("::", ".").rpartition(".")
    if not module:
        raise TaskError(f"{path!r} is no dotted path. Write module.name")
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module and not module.startswith(f"{error.name}."):
            raise
        where = ", ".join(sys.path[:2])
        raise TaskError(f"There is no module {module!r} for {path!r} below {where}.") from error
    try:
        return getattr(found, name)
    except AttributeError:
        raise TaskError(f"{found.__file__} has no {name!r}, which {path!r} names.") from None


def told(error: BaseException, task: str) -> Failure:
    """An error for the report; its traceback goes to the log, without the lines of this tool."""
    kinds = tuple(kind.__name__ for kind in type(error).__mro__ if kind is not object)
    if isinstance(error, ByoaError):
        trace = str(error)
    else:
        trace = "".join(traceback.format_exception(type(error), error, users_part(error)))
    with suppress(OSError, ValueError):  # a full disk, a stream that the task has closed
        print(trace.rstrip(), file=sys.stderr, flush=True)
    text = "".join(traceback.format_exception_only(type(error), error)).strip()
    if isinstance(error, ByoaError):
        text = str(error)
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]} … (the log has all of it)"
    if isinstance(error, MemoryError):
        kinds = (*kinds, "memory")
    return Failure(text, kinds, trace)


def users_part(error: BaseException) -> Any:
    """The traceback from the first frame on that is the user's; all of it where none is."""
    here = str(Path(__file__).parent)
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename.startswith(here):
        frame = frame.tb_next
    return frame or error.__traceback__


class ToldToEnd(BaseException):
    """SIGTERM: a time-out, Ctrl-C in the driver. What the task has in `finally` is done."""


def fresh_signals() -> None:
    """A task's process hears signals as a program does; SIGTERM lets it clean up."""

    def end(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise ToldToEnd

    for number in (signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, end)
    signal.set_wakeup_fd(-1)
