"""The torch engine starts without torch's compiler and exporters; who wants them has them."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path
import torch_engine
import later
left_out = [sys.modules[name] for name in later.NAMES if name in sys.modules]
assert len(left_out) > 5 and all(isinstance(one, later.Later) for one in left_out), left_out
engine = torch_engine.TorchEngine(Path(sys.argv[1]))
engine.warm_up()
assert "torchvision" in sys.modules and "torch._dynamo" not in sys.modules
assert len(left_out) > 5 and all(isinstance(one, later.Later) for one in left_out), left_out
import torchvision.ops.roi_align
import torch
assert callable(torch.onnx.export) and torch.onnx.__loader__.get_source("torch.onnx")
assert not hasattr(torch.masked, "no such thing")
roi_align = sys.modules["torchvision.ops.roi_align"]
assert roi_align.is_compile_supported("cpu") is torch._dynamo.is_dynamo_supported()
assert torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1)).item() == 2
assert not any(isinstance(one, later.Later) for one in left_out), "the compiler knows too little"
"""


def test_the_engine_comes_without_the_compiler(tiny_model_folder: Path):
    folder = Path(__file__).resolve().parents[2] / "mask_r_cnn"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, tiny_model_folder],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


OTHER = """
import sys
import later
later.TRIED, sys.meta_path[:] = ("1.0",), [one for one in sys.meta_path if one is not later._Finder]
later.begin()
assert later._Finder not in sys.meta_path, "it would leave out modules of another torch"
"""


def test_a_version_that_was_not_tried_is_imported_whole():
    folder = Path(__file__).resolve().parents[2] / "mask_r_cnn"
    done = subprocess.run([sys.executable, "-c", OTHER], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
