"""A notebook's Python: IPython's own shell, whose outputs are gathered instead of printed.

It is what a kernel has inside, without the kernel: no second process, no sockets, no threads.
"""

from __future__ import annotations

import builtins
import getpass
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from IPython.core import page
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.profiledir import ProfileDir
from traitlets.config import Config

from byoa.pipeline.notebook.outputs import Outputs
from byoa.pipeline.notebook.streams import Log, gathered
from byoa.pipeline.notebook.surroundings import (
    INLINE,
    figures_inline,
    kept,
    refuse,
    told_when_stopped,
)


class Gatherer(DisplayPublisher):
    """display(): into the outputs."""

    def publish(
        self,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        source: Any = None,
        *,
        transient: Mapping[str, Any] | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        named = str((transient or {}).get("display_id") or "")
        shell: Any = self.shell
        shell.streams.sync()
        shell.outputs.display(data, metadata or {}, named, update)

    def clear_output(self, wait: bool = False) -> None:
        shell: Any = self.shell
        shell.streams.sync()
        shell.outputs.clear(wait)


class Results(DisplayHook):
    """The value of a cell's last expression: into the outputs."""

    def start_displayhook(self) -> None:
        self._is_active = True

    def write_output_prompt(self) -> None:
        """There is none."""

    def write_format_data(
        self, format_dict: Mapping[str, Any], md_dict: Mapping[str, Any] | None = None
    ) -> None:
        shell: Any = self.shell
        shell.streams.sync()
        shell.outputs.result(format_dict, md_dict or {}, self.prompt_count)

    def finish_displayhook(self) -> None:
        self._is_active = False


class Shell(InteractiveShell):
    """Runs cells; everything that they show lands in `outputs`."""

    def __init__(self, outputs: Outputs, log: Log, **more: Any) -> None:
        self.outputs, self.streams = outputs, log
        start: Any = super().__init__  # untyped
        start(displayhook_class=Results, display_pub_class=Gatherer, **more)
        untyped: Any = self
        untyped.set_hook("show_in_pager", show_page, 90)

    def init_virtualenv(self) -> None:
        """The interpreter is the right one already."""

    def enable_gui(self, gui: Any = None) -> None:
        """There is no window: %matplotlib asks for it all the same."""

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        self.streams.sync()
        self.outputs.error(str(etype.__name__), str(evalue), stb)

    def ask_exit(self) -> None:
        """`exit()` and `quit()`, and the words alone: the notebook ends here."""
        raise SystemExit

    def system(self, cmd: str) -> None:
        """`!command`: its output is in the log and in the cell, its exit code in _exit_code."""
        untyped: Any = self
        line = untyped.var_expand(cmd, depth=1)
        self.user_ns["_exit_code"] = self.shell_line(line)

    system_piped = system_raw = system

    def shell_line(self, line: str) -> int:
        if self.streams.follows:
            return subprocess.call(line, shell=True)  # noqa: S602 the user's own
        with subprocess.Popen(  # noqa: S602
            line, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdout is not None
            for chunk in process.stdout:
                sys.stdout.write(chunk.decode("utf-8", "replace"))
        return process.returncode


def show_page(_: Any, text: Any, start: int = 0, screen_lines: int = 0, **__: Any) -> None:
    """`name?`: its text is an output, where a terminal would open a pager."""
    untyped: Any = page.display_page
    untyped(text, start, screen_lines)


@contextmanager
def opened(outputs: Outputs, folder: Path | None) -> Iterator[Shell]:
    """The shell, with the process's streams, `input` and signals in its hands until the end."""
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(kept(sys, "displayhook", "excepthook", "last_traceback", "argv"))
        stack.enter_context(kept(builtins, "input", "get_ipython", "display"))
        stack.enter_context(kept(getpass, "getpass"))
        stack.enter_context(figures_inline())
        main = sys.modules["__main__"]
        stack.callback(sys.modules.__setitem__, "__main__", main)
        log = stack.enter_context(gathered(outputs))
        stack.enter_context(told_when_stopped())
        builtins.input = refuse("input()")
        getpass.getpass = refuse("getpass()")
        warnings.filterwarnings("ignore", "To exit: use 'exit'", UserWarning)
        if InteractiveShell.initialized():  # forked from a kernel
            type(InteractiveShell.instance()).clear_instance()
        shell = Shell.instance(
            outputs=outputs, log=log, config=settings(), profile_dir=profile(place)
        )
        stack.callback(Shell.clear_instance)
        stack.callback(shell.restore_sys_module_state)
        sys.argv = [""]
        inline_figures(shell)
        yield shell


def settings() -> Config:
    """No history on disk, no user's start-up files: the same notebook gives the same outputs."""
    return Config(HistoryManager={"enabled": False}, InteractiveShell={"colors": "linux"})


def profile(folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    return ProfileDir(location=str(folder))


def inline_figures(shell: Shell) -> None:
    """Figures go into cells, also where matplotlib was imported before this shell was made."""
    if "matplotlib" in sys.modules:
        import matplotlib

        matplotlib.rcParams["backend"] = INLINE
        if "matplotlib.pyplot" in sys.modules:
            untyped: Any = shell
            untyped.enable_matplotlib("inline")
