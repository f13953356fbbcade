"""`doctor` finds what is broken, and says what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from container.check_files import check_line_ends, check_programs, check_size
from container.checkup import check_gpu, check_imports, check_shared_memory, check_versions, checkup
from container.devices import Machine
from container.doctor import main
from container.finding import State
from container.frameworks import Frameworks

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "container/bin"
CUDA_12 = Frameworks(("train",), {"torch": "2.10.0"}, cuda="12.8", devices=1)

CPU_TORCH = Frameworks(("train",), {"torch": "2.10.0"}, cuda=None, devices=0)
NO_TORCH = Frameworks(("predictor",), {"openvino": "2026.4"}, cuda=None, devices=0)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BIN, tmp_path / "bin"))


def test_our_own_programs_are_fine():
    assert check_programs("", BIN, image=False).state is State.OK


def test_a_program_without_its_mode(programs):
    (programs / "serve").chmod(0o644)
    finding = check_programs("", programs, image=False)
    assert finding.state is State.FAIL
    assert finding.text == f"not executable: chmod +x {programs}/serve"


def test_a_program_with_windows_line_ends(programs):
    (programs / "train").write_bytes((programs / "train").read_bytes().replace(b"\n", b"\r\n"))
    finding = check_programs("", programs, image=False)
    assert (finding.state, finding.text) == (State.FAIL, f"CRLF line ends: {programs}/train")


def test_in_an_image_path_must_lead_to_them(programs, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "python3", "pip"):
        (tools / name).touch(mode=0o755)
    path = f"{tools}{os.pathsep}{programs}"
    assert check_programs(path, programs, image=True).state is State.OK
    assert "not on PATH: pip" in check_programs_without(tools, path, programs)
    (tools / "train").touch(mode=0o755)
    finding = check_programs(path, programs, image=True)
    assert finding.text == f"train on PATH is {tools}/train. Remove that one."


def check_programs_without(tools: Path, path: str, programs: Path) -> str:
    (tools / "pip").rename(tools / "away")
    text = check_programs(path, programs, image=True).text
    (tools / "away").rename(tools / "pip")
    return text


def test_windows_line_ends_anywhere(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "picture.png").write_bytes(b"\r\n")
    assert check_line_ends([tmp_path]).text == "LF in all 1 files"
    (tmp_path / "b.sh").write_bytes(b"echo\r\n")
    finding = check_line_ends([tmp_path])
    assert (finding.state, finding.text) == (
        State.FAIL,
        f"CRLF in {tmp_path}/b.sh. Save with LF.",
    )


def test_packages_that_do_not_fit():
    def pip_check(*_args, **_options) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "a 1.0 requires b>2, but you have b 1.0.\n", "")

    finding = check_versions(pip_check)
    assert finding.state is State.FAIL and "requires b>2" in finding.text


def test_an_algorithm_that_does_not_load(tmp_path):
    (tmp_path / "train.py").write_text("import a_module_that_nobody_has\n")
    frameworks, finding = check_imports(tmp_path)
    assert frameworks is None and finding.state is State.FAIL
    assert "ModuleNotFoundError: No module named 'a_module_that_nobody_has'" in finding.text


def test_an_algorithm_that_loads(tmp_path):
    (tmp_path / "train.py").write_text("print('noise')\n")
    frameworks, finding = check_imports(tmp_path)
    assert frameworks is not None and finding.state is State.OK
    assert frameworks.modules == ("train",)


def test_openvino_is_looked_at_without_its_reporting_converter(tmp_path):
    tools = tmp_path / "openvino/tools/ovc"
    tools.mkdir(parents=True)
    (tmp_path / "train.py").touch()
    (tmp_path / "openvino/__init__.py").write_text(
        "__version__ = '7'\ntry:\n    import openvino.tools.ovc\nexcept ImportError:\n    pass\n"
    )
    (tools / "__init__.py").write_text(f"open({str(tmp_path / 'reported')!r}, 'w')\n")
    frameworks, _ = check_imports(tmp_path)
    assert frameworks is not None and frameworks.versions["openvino"] == "7"
    assert not (tmp_path / "reported").exists()


@pytest.mark.parametrize(
    ("machine", "frameworks", "state", "said"),
    [
        (Machine(4, 0), CUDA_12, State.NOTE, "none here; torch has CUDA 12.8, driver 525.60"),
        (Machine(4, 0), None, State.NOTE, "none here"),
        (Machine(4, 1, driver="550.163.01"), CUDA_12, State.OK, "torch sees 1"),
        (Machine(4, 1, driver="470.256.02"), CUDA_12, State.FAIL, "470.256.02 is too old"),
        (
            Machine(4, 1, driver="550.163.01"),
            Frameworks(("train",), {}, cuda="13.0", devices=0),
            State.FAIL,
            "driver 550.163.01 is too old: torch has CUDA 13.0, driver 580.65 or newer",
        ),
        (
            Machine(4, 2, driver="550.163.01"),
            Frameworks(("train",), {}, cuda="12.8", devices=0),
            State.FAIL,
            "2 here, driver 550.163.01; torch sees none",
        ),
        (Machine(4, 1), CPU_TORCH, State.NOTE, "torch has no CUDA"),
        (Machine(4, 1), NO_TORCH, State.NOTE, "1 here; there is no torch"),
    ],
)
def test_driver_and_cuda(machine, frameworks, state, said):
    finding = check_gpu(machine, frameworks)
    assert finding.state is state and said in finding.text


@pytest.mark.parametrize(
    ("size", "state"), [(64 << 20, State.NOTE), (8 << 30, State.OK), (None, State.NOTE)]
)
def test_shared_memory(size, state):
    assert check_shared_memory(Machine(1, 0, shared_memory=size)).state is state


def test_the_size_counts_a_file_once_and_follows_no_link(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "c").symlink_to("/")
    assert check_size(3, tmp_path).state is State.OK
    finding = check_size(2, tmp_path)
    assert (finding.state, finding.text) == (
        State.FAIL,
        f"{tmp_path} holds 3 MB, the budget is 2 MB",
    )


def test_an_image_that_only_serves_need_not_train(tmp_path):
    (tmp_path / "train.py").write_text("import a_module_that_nobody_has\n")
    (tmp_path / "predictor.py").touch()
    findings = checkup({"BYOA_ALGORITHM": str(tmp_path), "BYOA_ONLY": "serve"})
    (imports,) = (finding for finding in findings if finding.name == "imports")
    assert imports.state is State.OK and "predictor;" in imports.text


def run_doctor(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(BIN / "doctor"), *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_this_checkout_is_healthy():
    done = run_doctor()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "healthy"
    assert "ok    imports        mask_r_cnn: train, predictor" in done.stdout


def test_a_broken_one_is_not(tmp_path):
    done = run_doctor(BYOA_ALGORITHM=str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert "FAIL  algorithm      BYOA_ALGORITHM is " in done.stdout
    assert done.stdout.splitlines()[-1] == "1 to repair"


def test_its_arguments(capsys):
    assert main(["--help"], {}) == 0
    assert "usage: doctor" in capsys.readouterr().out
    assert main(["--version"], {}) == 0
    assert main(["--budget", "x"], {}) == 2
    assert "cannot read '--budget x'" in capsys.readouterr().err
