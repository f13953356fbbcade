"""What pyproject.toml cannot say: a wheel carries container/ too, for `--on process`."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithHarness(build_py):
    """container/ as byoa/_harness/container, where byoa.local.harness looks for it."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "byoa", "_harness", "container")
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree("container", target, ignore=shutil.ignore_patterns("__pycache__"))


setup(cmdclass={"build_py": WithHarness})
