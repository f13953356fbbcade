"""The whole story on this machine, with neither docker nor data: `make demo`.

Makes sample pictures, trains a small Mask R-CNN with container/bin/train, serves it with
container/bin/serve, asks it about pictures that it has never seen, and leaves in demo/:
overlay.png (a picture with what was found drawn on it), report.html (how training went),
detections.json and serve.log.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from ask import Endpoint, mask_ap50
from make_test_dir import make_test_dir

PROJECT = Path(__file__).resolve().parents[1]
#: What is shown; the score counts every detection.
SURE = "?score_threshold=0.7"


def train(root: Path) -> float:
    """Runs container/bin/train on the folder; the seconds it took."""
    begin = time.monotonic()
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(root)}
    program = [sys.executable, str(PROJECT / "container" / "bin" / "train")]
    code = subprocess.run(program, env=environment, check=False).returncode
    if code:
        raise SystemExit(f"train ended with {code}; {root}/output/failure says why")
    return time.monotonic() - begin


@contextmanager
def serving(root: Path, log: Path) -> Iterator[Endpoint]:
    """container/bin/serve on a free port of this machine, ended in order."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "SAGEMAKER_BASE_DIR": str(root),
        "SAGEMAKER_BIND_TO_PORT": str(port),
    }
    program = [sys.executable, str(PROJECT / "container" / "bin" / "serve")]
    with log.open("w") as output:
        server = subprocess.Popen(program, env=environment, stdout=output, stderr=output)
        try:
            endpoint = Endpoint(f"http://127.0.0.1:{port}")
            endpoint.wait(120, alive=lambda: server.poll() is None)
            yield endpoint
        finally:
            server.terminate()
            server.wait(timeout=60)


def show(prediction: dict[str, Any]) -> None:
    """The detections as a table."""
    print(f"\n{'class':<10}{'score':>7}   x, y, width, height")
    for found in prediction["detections"]:
        box = ", ".join(f"{value:.0f}" for value in found["bbox"])
        print(f"{found['category_name']:<10}{found['score']:>7.2f}   {box}")


def most_objects(held_out: Path) -> Path:
    """The held-out picture with the most to find."""
    truth = json.loads((held_out / "annotations.json").read_text())
    ids = [annotation["image_id"] for annotation in truth["annotations"]]
    best = max(truth["images"], key=lambda image: ids.count(image["id"]))
    return held_out / "images" / str(best["file_name"])


def enlarged(picture: Path) -> bytes:
    """The picture at three times its size as PNG, so that the drawing on it is legible."""
    import io

    buffer = io.BytesIO()
    with Image.open(picture) as image:
        image.resize((image.width * 3, image.height * 3), Image.Resampling.BICUBIC).save(
            buffer, "PNG"
        )
    return buffer.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=PROJECT / "demo")
    parser.add_argument("--minimum", type=float, default=0.8, help="mask AP50 that must be reached")
    given = parser.parse_args()
    begin = time.monotonic()
    root = make_test_dir(given.folder.resolve() / "ml")
    print(f"1. sample pictures: {root}/input/data", flush=True)
    print("2. train: container/bin/train", flush=True)
    print(f"   trained in {train(root):.0f} s", flush=True)
    shutil.copyfile(root / "output" / "data" / "report.html", given.folder / "report.html")
    print("3. serve: container/bin/serve", flush=True)
    with serving(root, given.folder / "serve.log") as endpoint:
        picture = most_objects(root / "held_out")
        print(f"4. ask about {picture.name}, which training has not seen", flush=True)
        prediction = endpoint.predict(picture, SURE)
        show(prediction)
        (given.folder / "detections.json").write_text(json.dumps(prediction, indent=2) + "\n")
        overlay = endpoint.invoke(enlarged(picture), "image/png", "image/png", SURE)
        (given.folder / "overlay.png").write_bytes(overlay)
        reached = mask_ap50(endpoint, root / "held_out")
    print(f"\nmask AP50 on 40 unseen pictures, through the server: {reached:.3f}")
    print(f"done in {time.monotonic() - begin:.0f} s; look at")
    print(f"  {given.folder / 'overlay.png'}\n  {given.folder / 'report.html'}")
    if reached < given.minimum:
        print(f"that is below {given.minimum}: something is wrong", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
