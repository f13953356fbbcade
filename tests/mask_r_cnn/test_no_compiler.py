"""The torch engine starts without torch's compiler; who wants it later gets the real one."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path
import torch_engine
engine = torch_engine.TorchEngine(Path(sys.argv[1]))
engine.warm_up()
assert "torchvision" in sys.modules and "torch._dynamo" not in sys.modules
import torchvision.ops.roi_align
import torch
roi_align = sys.modules["torchvision.ops.roi_align"]
assert roi_align.is_compile_supported("cpu") is torch._dynamo.is_dynamo_supported()
assert torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1)).item() == 2
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
