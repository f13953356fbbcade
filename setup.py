"""What pyproject.toml cannot say: a wheel carries container/ and infrastructure/ along."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

#: Where byoa.local.harness and byoa.functions look for them.
CARRIED = {"container": "_harness/container", "infrastructure": "_infrastructure"}


class WithHarness(build_py):
    """byoa's packages, and beside them what it takes along."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for folder, place in CARRIED.items():
                target = Path(self.build_lib, "byoa", place)
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(folder, target, ignore=shutil.ignore_patterns("__pycache__"))


setup(cmdclass={"build_py": WithHarness})
