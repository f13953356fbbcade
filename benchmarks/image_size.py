"""What is in the images and why: a table of parts, megabytes and reasons.

    python benchmarks/image_size.py

Looks into mask-r-cnn:latest and mask-r-cnn:serve (`make image`, `make image PACKAGES=serve`) and
writes results/image_size.json and .png and the tables of docs/image.md. Goals: 6.5 GB, 600 MB.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping

import measure

NEEDS = ("docker",)
IMAGES = {"mask-r-cnn:latest": 6500, "mask-r-cnn:serve": 600}
PAGE = measure.ROOT / "docs" / "image.md"
# (part, its folders in site-packages or paths from /, why): "links" is what readelf -d says.
PARTS: tuple[tuple[str, str, str], ...] = (
    ("torch", "torch torchgen", "trains, and predicts on GPUs; libtorch_cuda.so alone is 1,044 MB"),
    ("cuDNN", "nvidia/cudnn", "convolutions; torch links it. Recurrent layers stay for own code"),
    ("cuBLAS", "nvidia/cublas", "matrix products; torch links it"),
    ("cuSPARSELt", "nvidia/cusparselt", "torch links it: without the file nothing loads"),
    ("NCCL", "nvidia/nccl", "several GPUs and hosts; torch links it"),
    ("cuSPARSE", "nvidia/cusparse", "torch and cuSOLVER link it"),
    ("cuFFT", "nvidia/cufft", "torch links it"),
    ("cuSOLVER", "nvidia/cusolver", "torch.linalg links it"),
    ("NVSHMEM", "nvidia/nvshmem", "torch links it"),
    ("cuRAND", "nvidia/curand", "random numbers; torch links it"),
    ("NVRTC", "nvidia/cuda_nvrtc", "kernels that torch and cuDNN make at run time"),
    ("nvJitLink", "nvidia/nvjitlink", "cuSPARSE and cuSOLVER link it"),
    ("CUPTI", "nvidia/cuda_cupti", "torch.profiler; torch links it"),
    (
        "other CUDA",
        "nvidia cuda",
        "its runtime, files, marks; Python bindings, which torch asks for",
    ),
    ("sympy", "sympy mpmath networkx", "torch imports them"),
    ("OpenVINO", "openvino", "predicts on CPUs; without plugins and readers for other devices"),
    ("numpy", "numpy numpy.libs", "pictures and masks as arrays, with OpenBLAS"),
    ("Pillow", "PIL pillow.libs", "reads and draws pictures"),
    ("torchvision", "torchvision torchvision.libs", "the model's modules and backbones"),
    ("HTTP", "gevent greenlet zope flask werkzeug jinja2 click gunicorn", "the HTTP tier"),
    ("pip", "pip setuptools pkg_resources", "requirements.txt of a job; SageMaker's SDK calls it"),
    ("byoa", "/opt/byoa", "train, serve, doctor, the algorithm; baked weights, none by default"),
    ("Debian", "/usr /var /etc /bin /lib /sbin /lib64", "slim, with Python, nginx, certificates"),
)
OTHERS = ("other packages", "3 MB each at most: safetensors, pycocotools, packaging, …")
_LOOK = """
import json, os, sys
from pathlib import Path
def size(folder):
    total, seen = 0, set()
    for parent, _, files in os.walk(folder):
        for name in files:
            facts = os.lstat(os.path.join(parent, name))
            if facts.st_ino not in seen:
                seen.add(facts.st_ino)
                total += facts.st_size
    return total
def look(folder, of):
    for path in folder.iterdir():
        if path.is_symlink() or str(path) in ("/proc", "/sys", "/dev"):
            continue
        of[str(path)] = size(path) if path.is_dir() else path.stat().st_size
packages = next(Path("/opt/venv/lib").glob("python*/site-packages"))
found = {}
look(Path("/"), found)
look(packages, found)
if (packages / "nvidia").is_dir():
    look(packages / "nvidia", found)
found["/opt/byoa"] = size("/opt/byoa")
found["/opt/venv"] = size("/opt/venv")
print(json.dumps({name.removeprefix(f"{packages}/"): n for name, n in found.items()}))
"""
Row = dict[str, object]


def main() -> None:
    """Look, and write what was found."""
    tables = {image: rows(inside(image), size_of(image)) for image in IMAGES}
    for image, table in tables.items():
        print(f"\n{image}, {total(table)} MB of {IMAGES[image]}\n{markdown(table)}")
    measure.save("image_size", {"machine": measure.machine(), "megabytes": tables})
    gpu = {str(row["part"]): _number(row) for row in next(iter(tables.values()))}
    measure.bars("image_size", "mask-r-cnn:latest", gpu, "MB")
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")


def inside(image: str) -> dict[str, int]:
    """Bytes below the folders of an image, by name."""
    words = ["docker", "run", "--rm", "--network", "none", image, "python3", "-c", _LOOK]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(said))


def size_of(image: str) -> int:
    """An image's bytes, as docker counts them."""
    words = ["docker", "image", "inspect", "--format", "{{.Size}}", image]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def rows(found: Mapping[str, int], whole: int) -> list[Row]:
    """The table: what is there of each part, the largest first; what is left, and all of it."""
    left = dict(found)
    told = {name for _, names, _ in PARTS for name in names.split() if name.startswith("nvidia/")}
    left["nvidia"] = found.get("nvidia", 0) - sum(found.get(name, 0) for name in told)
    table: list[Row] = []
    for part, names, why in PARTS:
        size = sum(left.pop(name, 0) for name in names.split())
        if size > 0:
            table.append({"part": part, "mb": round(size / 1e6), "why": why})
    said = sum(_number(row) for row in table)
    rest = {"part": OTHERS[0], "mb": round(whole / 1e6) - said, "why": OTHERS[1]}
    return [*sorted(table, key=_number, reverse=True), rest]


def _number(row: Row) -> int:
    return int(str(row["mb"]))


def total(table: Iterable[Row]) -> int:
    """Megabytes of the image."""
    return sum(_number(row) for row in table)


def markdown(table: Iterable[Row]) -> str:
    """The rows as docs/image.md has them."""
    lines = [f"| {row['part']} | {_number(row):,} | {row['why']} |" for row in table]
    return "\n".join(["| part | MB | why |", "|---|--:|---|", *lines])


def replaced(page: str, tables: Mapping[str, Iterable[Row]]) -> str:
    """The page with new tables: each stands between two comments that name its image."""
    for image, table in tables.items():
        rows_of_it = list(table)
        text = f"`{image}`: {total(rows_of_it):,} MB\n\n{markdown(rows_of_it)}"
        mark = f"<!-- {image}, by benchmarks/image_size.py -->"
        page, times = re.subn(f"{mark}.*?{mark}", f"{mark}\n{text}\n{mark}", page, flags=re.DOTALL)
        if times != 1:
            raise SystemExit(f"{PAGE} has no place for {image}")
    return page


if __name__ == "__main__":
    main()
