"""Tables of docs/performance.md about answering: engines, a request, serving, COCO's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from _markdown import span, table, times

Results = Mapping[str, Any]
SERVERS = {
    "serve": "`serve` behind nginx",
    "serve (no nginx)": "`serve` without nginx",
    "LitServe": "LitServe",
    "TorchServe": "TorchServe",
}
WAYS = ("sample", "torchvision", "ours torch", "ours openvino", "ours int8")
OURS = {"ours, first epoch": "`evaluate`, first epoch", "ours, later epochs": "later epochs"}


def engines(results: Results) -> str:
    """The dense part of a ResNet-50 by each engine."""
    rows = [
        [
            name,
            f"{one['milliseconds']:.0f}",
            f"{one['times_as_fast']:.2f}",
            f"{one['seconds_to_ready']:.1f}",
        ]
        for name, one in results["inference_engines"]["dense"].items()
    ]
    return table(
        ["dense part of R50-FPN, 512 x 704", "ms", "times as fast", "seconds to ready"], rows
    )


def whole_models(results: Results) -> str:
    """A whole model with ten masks by each engine."""
    rows = [
        [name, f"{one['milliseconds']:.0f}", f"{one['times_as_fast']:.2f}"]
        for name, one in results["inference_engines"]["whole"].items()
    ]
    return table(["whole model, ten masks", "ms", "times as fast"], rows)


def one_request(results: Results) -> str:
    """A JPEG in, JSON out, by five ways."""
    rows = []
    for name, one in results["one_request"]["requests"].items():
        spent = [f"{one['milliseconds'][way]:.0f}" for way in WAYS]
        fast = one["times_as_fast"]
        ratios = [
            f"**{fast['ours int8'][peer]:.1f}** ({fast['ours openvino'][peer]:.1f})"
            for peer in ("sample", "torchvision")
        ]
        rows.append([name, *spent, *ratios])
    head = ["", "sample", "torchvision", "ours, torch", "OpenVINO, bf16", "OpenVINO, int8"]
    return table([*head, "int8 (bf16): times sample", "times torchvision"], rows)


def overhead(results: Results) -> str:
    """Requests a second and their time by each server, against connections."""
    found = results["serving_overhead"]["milliseconds and requests/s"]
    versions = results["serving_overhead"]["versions"]
    counts = list(found["serve"])
    rows = []
    for server, said in SERVERS.items():
        rates = [f"{round(found[server][n]['rate'], -1):,.0f}" for n in counts]
        one = found[server]["1"]
        version = versions.get(server.lower(), "")
        rows.append([f"{said} {version}".strip(), *rates, f"{one['p50']:.2f}", f"{one['p99']:.2f}"])
    return table(["connections", *counts, "p50 ms with 1", "p99 ms with 1"], rows)


def throughput(results: Results) -> str:
    """The share of the predictor's own rate that is left through HTTP."""
    rows = [
        [
            name,
            f"{one['own rate']:.1f}",
            span([100 * share for share in one["share"].values()], 0, " %"),
            f"{one['ping p99 ms']:.1f} ms",
        ]
        for name, one in results["serving_throughput"]["share of the predictor's own rate"].items()
    ]
    head = ["predictor", "its own rate a second", "share, 8 to 64 clients"]
    return table([*head, "/ping, 99th percentile, every worker busy"], rows)


def coco(results: Results) -> str:
    """CPU time of COCO's figures beside pycocotools."""
    found = results["coco_evaluation"]
    rows = []
    for kind, said in (("bbox", "boxes"), ("segm", "masks")):
        spent, fast = found[kind]["cpu_ms"], found[kind]["times_as_fast_as_pycocotools"]
        cells = [f"{spent[way]:.0f} ms ({times(fast[way])})" for way in ("faster-coco-eval", *OURS)]
        rows.append([said, f"{spent['pycocotools']:,.0f} ms", *cells])
    return table(["", "pycocotools", "faster-coco-eval", *OURS.values()], rows)


def response(results: Results) -> str:
    """Bytes a detection on real masks."""
    found = results["response_size"]["bytes_a_detection"]
    rows = []
    for name, one in found.items():
        source, size, people = name.split(", ")
        model = "annotators" if source == "drawn" else "a trained model"
        cells = [f"{one['mask_width']:.0f}", f"{one['plain']:,.0f}", f"{one['gzip']:,.0f}"]
        smaller = f"{one['times_smaller_than_lists']:,}"
        rows.append([size.replace("x", " x "), people, model, *cells, smaller])
    head = ["picture", "people in it", "masks by", "mask's width", "bytes", "`gzip -1`"]
    return table([*head, "times smaller than AWS's sample"], sorted(rows, key=_place))


def _place(row: Sequence[str]) -> tuple[bool, str]:
    return row[2] != "a trained model", row[0].rjust(12)


def split(results: Results) -> str:
    """What the bytes of a detection are."""
    found = results["response_size"]["bytes_a_detection"]
    own = {name: one["mean_of"] for name, one in found.items() if name.startswith("predicted")}
    parts = next(iter(own.values()))
    rows = [[part, *(f"{one[part]:,.0f}" for one in own.values())] for part in parts]
    heads = [name.partition(", ")[2].replace("x", " x ") for name in own]
    return table(["mean bytes of a detection, a model's masks", *heads], rows)


TABLES = {
    "engines": engines,
    "whole_models": whole_models,
    "one_request": one_request,
    "overhead": overhead,
    "throughput": throughput,
    "coco": coco,
    "response": response,
    "split": split,
}
