"""What pyproject.toml cannot say: a wheel carries along what jobs run and images are built of."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

#: Where byoa.toolkit and byoa.functions look for them.
TOOLKIT = "_harness"
CARRIED = {
    **{name: f"{TOOLKIT}/{name}" for name in ("container", "mask_r_cnn", "requirements")},
    **{name: f"{TOOLKIT}/{name}" for name in ("Dockerfile", "build_and_push.sh", "buildspec.yml")},
    "LICENSE": f"{TOOLKIT}/LICENSE",
    "local_test/sample_pictures.py": f"{TOOLKIT}/local_test/sample_pictures.py",
    "infrastructure": "_infrastructure",
}
#: What only developers and CI use.
LEFT = ("__pycache__", "*.pyc", "dev.*", "bench.*", "parity.*", "driver.in", "lock.sh")


class WithToolkit(build_py):
    """byoa's packages, and beside them what it takes along."""

    def run(self) -> None:
        if not self.editable_mode:  # what an older build left there is no part of this one
            shutil.rmtree(Path(self.build_lib, "byoa"), ignore_errors=True)
        super().run()
        if not self.editable_mode:
            for source, place in CARRIED.items():
                carry(Path(source), Path(self.build_lib, "byoa", place))


def carry(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*LEFT))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


setup(cmdclass={"build_py": WithToolkit})
