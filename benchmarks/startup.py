"""From the start of `serve` to the first 200 on /ping: with torch, without, in int8, by model size.

    python benchmarks/startup.py [--small]

Models of random weights (what one weighs counts, not what it knows) and a predictor that does
nothing are started in turns, as many model processes as `serve` takes here; and by `docker run`,
where both images are: the container's own part, up to its first process, is told apart. What the
first request costs beside those after it is asked of one model process. Goals: 1.5 s with torch,
0.7 s without, the first request at most 1.2 times the others.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import measure
from _load import picture
from _servers import OURS, SERVE, free_port, running

BACKBONES = ("mobilenet_v2_fpn", "resnet18_fpn", "resnet50_fpn")
BASE = "without torch"
WAYS = {
    "torch": {"MASK_R_CNN_ENGINE": "torch", "MASK_R_CNN_PRECISION": "bf16"},
    BASE: {"MASK_R_CNN_ENGINE": "openvino", "MASK_R_CNN_PRECISION": "bf16"},
    "without torch, int8": {"MASK_R_CNN_ENGINE": "openvino", "MASK_R_CNN_PRECISION": "int8"},
}
IMAGES = {"torch": "mask-r-cnn:latest", BASE: "mask-r-cnn:serve"}
NOTHING = "predictor that does nothing"
TICK = 0.01
_MAKE_MODEL = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import numpy as np
import torch
from int8_network import measured_ranges
from model import ModelInfo, build_model, save_model
from quantization import Quantization, fingerprint, int8_layers, save_quantization
torch.manual_seed(0)
info = ModelInfo(
    backbone=sys.argv[2], norm="frozen", class_names=("thing",), category_ids=(1,),
    min_size=800, max_size=1333, score_threshold=0.9, max_detections=100,
)
folder = Path(sys.argv[3])
network = build_model(info).eval()
save_model(folder, network.state_dict(), info)
noise = np.random.default_rng(0).integers(0, 256, (320, 320, 3), np.uint8)
seeing = replace(info, min_size=320, max_size=320, score_threshold=0.0)
ranges = measured_ranges(network, seeing, iter([noise]))
assert set(ranges) == set(int8_layers(network.state_dict())), "a layer would not be in int8"
save_quantization(folder, Quantization(ranges, fingerprint(network.state_dict()), True))
for path in folder.iterdir():
    path.chmod(0o644)  # as `train` leaves it
"""


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the first process to /ping's 200, and before the first process."""

    ready: float
    container: float = 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is started again and again."""

    way: str
    model: str
    start: Callable[[], Start]


def main() -> None:
    """Start all in turns, write results/startup.json and .png."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="the smallest model, once")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--serve-image", default=IMAGES[BASE], help="the one without torch")
    chosen = parser.parse_args()
    backbones = BACKBONES[:1] if chosen.small else BACKBONES
    with tempfile.TemporaryDirectory() as folder:
        roots = make_models(Path(folder), backbones)
        sizes = {name: megabytes(root / "model") for name, root in roots.items()}
        cases = [*here(roots), *([] if chosen.small else in_docker(roots, chosen.serve_image))]
        found: dict[tuple[str, str], list[Start]] = {(one.way, one.model): [] for one in cases}
        for _ in range(1 if chosen.small else chosen.turns):
            for case in cases:
                found[case.way, case.model].append(case.start())
        largest = roots[backbones[-1]]
        first = {
            way: median_of(first_request(largest, way) for _ in range(1 if chosen.small else 3))
            for way in WAYS
        }
    result = summarise(found, sizes)
    show(result, first, largest.name)
    if not chosen.small:
        write(result, first, sizes)


def make_models(folder: Path, backbones: tuple[str, ...]) -> dict[str, Path]:
    """A folder like /opt/ml for every backbone, and for the predictor that does nothing."""
    for name in backbones:
        arguments = [str(measure.ROOT / "mask_r_cnn"), name, str(folder / name / "model")]
        subprocess.run([sys.executable, "-c", _MAKE_MODEL, *arguments], check=True)
    code = folder / NOTHING / "model" / "code"
    code.mkdir(parents=True)
    (code / "inference.py").write_text(OURS)
    folder.chmod(0o755)  # a container's user looks in
    return {name: folder / name for name in (NOTHING, *backbones)}


def megabytes(folder: Path) -> float:
    """What the files below a folder hold."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def here(roots: Mapping[str, Path]) -> Iterator[Case]:
    """`serve` of this checkout, under this Python."""
    for name, root in roots.items():
        for way in [*WAYS][: 1 if name == NOTHING else None]:
            yield Case(way, name, lambda root=root, way=way: started(root, way))  # type: ignore[misc]


def in_docker(roots: Mapping[str, Path], without_torch: str) -> Iterator[Case]:
    """`docker run` of the images that are here: of nothing, and of the largest model."""
    if shutil.which("docker") is None:
        print("no docker: the images are not started")
        return
    for way in WAYS:
        image = IMAGES["torch"] if way == "torch" else without_torch
        if subprocess.run(
            ["docker", "image", "inspect", image], check=False, capture_output=True
        ).returncode:
            print(f"there is no image {image}: it is not started")
            continue
        for name, root in list(roots.items())[:: len(roots) - 1]:
            if name != NOTHING or way in IMAGES:
                yield Case(
                    f"{way}, docker run",
                    name,
                    lambda root=root, image=image, way=way: docker_started(root, image, way),  # type: ignore[misc]
                )


def started(root: Path, way: str) -> Start:
    """One start of this checkout's `serve`."""
    began = time.monotonic()
    with serving(root, way) as port:
        wait(port)
        return Start(time.monotonic() - began)


@contextmanager
def serving(root: Path, way: str, **environ: str) -> Iterator[int]:
    """A `serve` that was just started, by its port."""
    port = free_port()
    variables = {
        "SAGEMAKER_BASE_DIR": str(root),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "BYOA_BIND_TO_ADDRESS": "127.0.0.1",
        **WAYS[way],
        **environ,
    }
    with running([sys.executable, str(SERVE)], str(root), variables):
        yield port


def docker_started(root: Path, image: str, way: str) -> Start:
    """One `docker run`, as SageMaker does it: read-only model, /tmp to write."""
    port, name = free_port(), f"byoa-startup-{os.getpid()}"
    words = ["--read-only", "--tmpfs", "/tmp", "--volume", f"{root}/model:/opt/ml/model:ro"]
    words += [word for pair in WAYS[way].items() for word in ("--env", "=".join(pair))]
    words += ["--publish", f"127.0.0.1:{port}:8080", image, "serve"]
    began = time.clock_gettime(time.CLOCK_BOOTTIME)
    try:
        docker("run", "--detach", "--name", name, *words)
        wait(port)
        ready = time.clock_gettime(time.CLOCK_BOOTTIME)
        first = born(int(docker("inspect", "--format", "{{.State.Pid}}", name)))
        return Start(ready - first, max(0.0, first - began))
    finally:
        docker("rm", "--force", name)


def docker(*words: str) -> str:
    """What a docker command prints."""
    return subprocess.run(
        ["docker", *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def born(pid: int) -> float:
    """When a process was started, in seconds since boot, to a hundredth."""
    facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(facts[19]) / os.sysconf("SC_CLK_TCK")


def wait(port: int, seconds: float = 120) -> None:
    """Until /ping says 200."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/ping")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(TICK)
    raise SystemExit(f"/ping on port {port} did not say 200 within {seconds:g} s")


def first_request(root: Path, way: str, others: int = 3) -> dict[str, float]:
    """Milliseconds of the first request to a model process of one thread, and of those after it."""
    body, took = picture(), []
    one = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1", "BYOA_MODEL_THREADS": "1"}
    with serving(root, way, **one) as port:
        wait(port)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for _ in range(1 + others):
            began = time.perf_counter()
            connection.request("POST", "/invocations", body, {"Content-Type": "image/jpeg"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise SystemExit(f"/invocations said {answer.status}: {answer.read()!r}")
            answer.read()
            took.append(1000 * (time.perf_counter() - began))
    after = statistics.median(took[1:])
    return {
        "first_ms": round(took[0]),
        "later_ms": round(after),
        "ratio": round(took[0] / after, 2),
    }


def median_of(found: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The median start's figures, by the ratio."""
    ordered = sorted(found, key=lambda one: one["ratio"])
    return dict(ordered[len(ordered) // 2])


def summarise(
    found: Mapping[tuple[str, str], list[Start]], sizes: Mapping[str, float]
) -> list[dict[str, object]]:
    """A row for every way and model."""
    return [
        {
            "way": way,
            "model": model,
            "model_mb": round(sizes[model]),
            "seconds": round(statistics.median(one.ready for one in starts), 3),
            "all": [round(one.ready, 3) for one in starts],
            "container_seconds": round(statistics.median(one.container for one in starts), 3),
        }
        for (way, model), starts in found.items()
    ]


def show(
    rows: list[dict[str, object]], first: Mapping[str, Mapping[str, float]], model: str
) -> None:
    """One table, and the first requests."""
    print(f"{'':27}{'model':29}{'MB':>5}{'ready s':>9}{'container s':>13}")
    for row in rows:
        print(
            f"{row['way']:27}{row['model']:29}{row['model_mb']:>5}{row['seconds']:>9}"
            f"{row['container_seconds'] or '':>13}"
        )
    for way, facts in first.items():
        print(f"{way}: first request to {model} {facts['ratio']} times the later ones: {facts}")


def earlier(most: int = 2) -> list[dict[str, object]]:
    """The runs before this one, the last first: seconds of a start are the machine's hour, too."""
    file = measure.RESULTS / "startup.json"
    if not file.exists():
        return []
    last = json.loads(file.read_text(encoding="utf-8"))
    return [{key: last[key] for key in ("machine", "starts")}, *last.get("earlier", [])][:most]


def write(
    rows: list[dict[str, object]],
    first: Mapping[str, Mapping[str, float]],
    sizes: Mapping[str, float],
) -> None:
    """The result, and the plot of start against size."""
    about = measure.machine("torch", "torchvision", "openvino", "numpy", "flask", "gunicorn")
    found = {"machine": about, "starts": rows, "first_request": dict(first), "earlier": earlier()}
    measure.save("startup", found)
    with measure.figure("startup", "Start of serve to the first 200 on /ping") as axes:
        for way in dict.fromkeys(row["way"] for row in rows):
            mine = [row for row in rows if row["way"] == way and row["model"] != NOTHING]
            if mine:
                axes.plot([row["model_mb"] for row in mine], [row["seconds"] for row in mine],
                          "o-", label=way)  # fmt: skip
        axes.plot([0], [next(r["seconds"] for r in rows if r["model"] == NOTHING)], "ks",
                  label=NOTHING)  # fmt: skip
        axes.set(xlabel="model, MB", ylabel="seconds", ylim=(0, None), xlim=(-5, None))


if __name__ == "__main__":
    main()
