"""The demo through docker, and what the image weighs: `make image-test`.

Trains and serves in the image as SageMaker would start it, posts pictures that training has not
seen, and prints cold start (container start to the first 200 on /ping) and image size. Both are
recorded in benchmarks/results/image.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ask import Endpoint, mask_ap50
from demo import SURE, enlarged, most_objects, show
from make_test_dir import make_test_dir

PROJECT = Path(__file__).resolve().parents[1]
RESULTS = PROJECT / "benchmarks" / "results" / "image.json"


def docker(*words: str) -> str:
    """What a docker command prints; its own message when it fails."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"docker {' '.join(words[:2])} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def train(image: str, root: Path) -> float:
    """`docker run IMAGE train` on the folder; the seconds it took."""
    begin = time.monotonic()
    mount = f"{root}:/opt/ml"
    words = ["docker", "run", "--rm", "--init", "--network", "none", "--volume", mount]
    owner = ["--user", f"{os.getuid()}:{os.getgid()}"]
    threads = ["--env", "OMP_NUM_THREADS"]  # as it is set here, if it is
    code = subprocess.run([*words, *owner, *threads, image, "train"], check=False).returncode
    if code:
        raise SystemExit(f"train ended with {code}; {root}/output/failure says why")
    return time.monotonic() - begin


@contextmanager
def serving(image: str, root: Path) -> Iterator[tuple[Endpoint, float]]:
    """`docker run IMAGE serve` on a free port, and how long it took to the first 200."""
    begin = time.monotonic()
    container = docker(
        *("run", "--detach", "--init", "--read-only", "--tmpfs", "/tmp", "--shm-size", "64m"),
        *("--volume", f"{root}/model:/opt/ml/model:ro", "--publish", "127.0.0.1::8080"),
        *(image, "serve"),
    )
    try:
        address = docker("port", container, "8080/tcp").splitlines()[0]
        endpoint = Endpoint(f"http://{address}")
        endpoint.wait(240, alive=lambda: running(container))
        yield endpoint, time.monotonic() - begin
    except (ChildProcessError, TimeoutError):
        print(docker("logs", "--tail", "30", container), file=sys.stderr)
        raise
    finally:
        docker("stop", "--time", "30", container)
        docker("rm", "--force", container)


def running(container: str) -> bool:
    return docker("inspect", "--format", "{{.State.Running}}", container) == "true"


def measured(
    image: str, cold_starts: list[float], trained: float | None, ap50: float
) -> dict[str, Any]:
    """What is recorded of an image."""
    about = json.loads(docker("image", "inspect", image))[0]
    return {
        "image": image,
        "size_bytes": about["Size"],
        "layers": len(about["RootFS"]["Layers"]),
        "cold_start_seconds": [round(seconds, 2) for seconds in cold_starts],
        "train_seconds": None if trained is None else round(trained, 1),
        "mask_ap50_unseen": round(ap50, 3),
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "storage_driver": docker("info", "--format", "{{.Driver}}"),
        "load_average_at_the_end": [round(value, 1) for value in os.getloadavg()],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--image", default="mask-r-cnn:latest")
    parser.add_argument("--folder", type=Path, default=PROJECT / "demo")
    parser.add_argument("--minimum", type=float, default=0.8, help="mask AP50 that must be reached")
    parser.add_argument("--trained", type=Path, help="serve this folder's model: no training")
    parser.add_argument("--record", type=Path, default=RESULTS)
    given = parser.parse_args()
    trained = None
    if given.trained:
        root = given.trained.resolve()
    else:
        root = make_test_dir(given.folder.resolve() / "image_ml")
        print(f"1. docker run {given.image} train", flush=True)
        trained = train(given.image, root)
        print(f"   trained in {trained:.0f} s", flush=True)
    print(f"2. docker run {given.image} serve", flush=True)
    cold_starts = []
    for _ in range(2):
        with serving(given.image, root) as (endpoint, seconds):
            cold_starts.append(seconds)
            print(f"   cold start: {seconds:.2f} s", flush=True)
            picture = most_objects(root / "held_out")
            show(endpoint.predict(picture, SURE))
            overlay = endpoint.invoke(enlarged(picture), "image/png", "image/png", SURE)
            reached = mask_ap50(endpoint, root / "held_out")
    given.folder.mkdir(parents=True, exist_ok=True)
    (given.folder / "image_overlay.png").write_bytes(overlay)
    result = measured(given.image, cold_starts, trained, reached)
    given.record.parent.mkdir(parents=True, exist_ok=True)
    given.record.write_text(json.dumps(result, indent=2) + "\n")
    print(f"\nmask AP50 on unseen pictures: {reached:.3f}")
    print(f"image size: {result['size_bytes'] / 1e9:.2f} GB, cold start: {min(cold_starts):.2f} s")
    print(f"recorded in {given.record}")
    return 0 if reached >= given.minimum else 1


if __name__ == "__main__":
    sys.exit(main())
