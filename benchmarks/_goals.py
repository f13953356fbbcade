"""The goals that the project set itself, each with its figure here, and whether it is met."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from _markdown import signed, span, table, times

Results = Mapping[str, Any]
NOISE = 1.1


@dataclass(frozen=True)
class Goal:
    """What should hold, what was found, whether that is enough (None: unknown), and by what."""

    says: str
    here: str
    met: bool | None
    by: str

    def row(self) -> list[str]:
        """The goal as a row of the table."""
        verdict = {True: "yes", False: "**no**", None: "**not measured**"}[self.met]
        return [self.says, self.here, verdict, self.by]


def training(results: Results) -> Iterable[Goal]:
    """Steps, time to an AP, and the loader."""
    parts = results["train_step"]
    fast = [p["times_as_fast"] for name, p in parts.items() if name.startswith("step: ")]
    wall = next(p["times_as_fast"] for name, p in parts.items() if name.startswith("wall: "))
    for way, least, said in (
        ("ours, unchanged recipe", 2.0, "unchanged recipe"),
        ("ours, 128 regions", 3.0, "setting for small data"),
    ):
        ratios = [one[way] for one in fast]
        yield Goal(
            f"a training step, {said}: {least} x plain torchvision",
            f"{span(ratios, 2)} x; by the wall on two threads {times(wall[way])}",
            min(*ratios, wall[way]) >= least,
            "`train_step`",
        )
    shorter = results["accuracy"]["summary"]["penn_fudan"]["time"]["times_shorter"]
    yield Goal(
        "time to a mask AP on Penn-Fudan: 2.5 x shorter",
        f"{times(shorter['ours'])}; setting for small data {times(shorter['small'])}",
        min(shorter.values()) >= 2.5,
        "`accuracy`",
    )
    shares = [p for name, p in parts.items() if name.startswith("loader: ")]
    most = max(max(p["waited_percent"], p["cpu_percent"]) for p in shares)
    yield Goal("the loader: at most 5 % of a step", f"{most:.1f} %", most <= 5, "`train_step`")


def requests(results: Results) -> Iterable[Goal]:
    """One request, and what its answer loses."""
    found = results["one_request"]["requests"].values()
    for peer, least, said in (
        ("sample", 6, "the AWS sample's way"),
        ("torchvision", 3, "torchvision and pycocotools"),
    ):
        int8, bf16 = (
            [one["times_as_fast"][way][peer] for one in found]
            for way in ("ours int8", "ours openvino")
        )
        yield Goal(
            f"JPEG to JSON, ten detections: {least} x {said}",
            f"int8 {span(int8, 1)} x, bfloat16 {span(bf16, 1)} x",
            min(int8) >= least,
            "`one_request`",
        )
    summary = results["accuracy"]["summary"]
    for way, said in (("openvino bf16", "bfloat16"), ("openvino int8", "int8")):
        lost = [
            (f"{name} {signed(drop['bbox']['mean'], 2)} / {signed(drop['segm']['mean'], 2)}", drop)
            for work, name in (("penn_fudan", "Penn-Fudan"), ("generated", "generated"))
            if (drop := summary[work]["ours"]["drop"].get(way))
        ]
        most = max(drop[kind]["mean"] for _, drop in lost for kind in ("bbox", "segm"))
        yield Goal(
            f"box / mask AP lost in {said}: at most 0.3 points, mean of three seeds",
            ", ".join(text for text, _ in lost),
            most <= 0.3,
            "`accuracy`",
        )


def serving(results: Results) -> Iterable[Goal]:
    """The HTTP tier."""
    found = results["serving_overhead"]["milliseconds and requests/s"]
    ours = {name: found[name] for name in ("serve", "serve (no nginx)")}
    alone = [one["1"] for one in ours.values()]
    yield Goal(
        "HTTP's own time: 1 ms p50 and 3 ms p99",
        f"{span([o['p50'] for o in alone], 2)} and {span([o['p99'] for o in alone], 2)} ms",
        all(o["p50"] <= 1 and o["p99"] <= 3 for o in alone),
        "`serving_overhead`",
    )
    for peer, least in (("LitServe", 1.5), ("TorchServe", 2.5)):
        ratios = {(n, c): row[f"times {peer}"] for n, o in ours.items() for c, row in o.items()}
        under = [
            f"; {ratio:.2f} with {count} connection{'s' * (count != '1')}"
            f" {'behind' if name == 'serve' else 'without'} nginx"
            for (name, count), ratio in ratios.items()
            if ratio < least
        ]
        yield Goal(
            f"requests a second: {least} x {peer}",
            f"{span(ratios.values(), 1)} x{''.join(under)}",
            not under,
            "`serving_overhead`",
        )
    rows = results["serving_throughput"]["share of the predictor's own rate"]
    shares = [100 * share for one in rows.values() for share in one["share"].values()]
    yield Goal(
        "8 to 64 clients: 95 % of the model's own rate",
        span(shares, 0, " %"),
        min(shares) >= 95,
        "`serving_throughput`",
    )
    ping = max(one["ping p99 ms"] for one in rows.values())
    yield Goal(
        "/ping with every worker busy: p99 under 50 ms",
        f"at most {ping:.1f} ms",
        ping < 50,
        "`serving_throughput`",
    )
    grown = results["serving_memory"]["grown by MB"]
    yield Goal(
        "memory: flat over 10,000 requests",
        ", ".join(f"{signed(mb, 2)} MB {way}" for way, mb in grown.items()),
        max(grown.values()) < 1,
        "`serving_memory`",
    )


def images(results: Results) -> Iterable[Goal]:
    """Images and starts."""
    sizes = {
        name: sum(row["mb"] for row in rows)
        for name, rows in results["image_size"]["megabytes"].items()
    }
    gpu, serve = sizes["mask-r-cnn:latest"], sizes["mask-r-cnn:serve"]
    yield Goal("serving image without torch: 600 MB", f"{serve} MB", serve <= 600, "`image_size`")
    yield Goal("GPU image: 6.5 GB", f"{gpu / 1000:.2f} GB", gpu <= 6500, "`image_size`")
    for way, most in (("without torch", 0.7), ("torch", 1.5)):
        start = next(
            row["seconds"]
            for row in results["startup"]["starts"]
            if (row["way"], row["model"]) == (way, "resnet50_fpn")
        )
        said = "without torch" if way != "torch" else "with torch"
        yield Goal(
            f"start to ready {said}, ResNet-50: {most} s",
            f"{start:.2f} s",
            start <= most,
            "`startup`",
        )


def answers(results: Results) -> Iterable[Goal]:
    """COCO's figures and the size of an answer."""
    found = results["coco_evaluation"]
    same = all(one["equal_to_the_last_bit"] == one["of"] for one in found["figures"].values())
    fast = [
        found[kind]["times_as_fast_as_pycocotools"]["ours, first epoch"]
        for kind in ("bbox", "segm")
    ]
    share = results["epoch_shares"]["percent_of_an_epoch"]["COCO's figures"]
    yield Goal(
        "COCO's figures: 3.9 x (boxes) and 2.1 x (masks) pycocotools, all identical",
        f"{times(fast[0])} and {times(fast[1])}, {'identical' if same else 'not identical'}",
        fast[0] >= 3.9 and fast[1] >= 2.1 and same,
        "`coco_evaluation`",
    )
    yield Goal("… at most 2 % of an epoch", f"{share:.2f} %", share <= 2, "`epoch_shares`")
    sizes = results["response_size"]["bytes_a_detection"]
    for people in ("about 10", "2 to 3"):
        for size in ("640x480", "1280x960"):
            one = sizes[f"predicted, {size}, {people}"]
            yield Goal(
                f"600 bytes a detection: {people} people at {size.replace('x', ' x ')}",
                f"{one['plain']:,.0f}; {one['gzip']:,.0f} with gzip",
                one["plain"] <= 600,
                "`response_size`",
            )


def growth(results: Results) -> Iterable[Goal]:
    """How cost grows: slopes on logarithmic axes, 1 is in proportion. A tenth more is noise."""
    found = results["train_growth"]["slopes"]
    seconds = [found[f"picture_s / {grows}"] for grows in ("pictures", "instances", "side")]
    memory = [found[f"peak_mb / {grows}"] for grows in ("pictures", "instances", "side")]
    yield Goal(
        "training against pictures, things in one, its pixels: in proportion or less",
        f"time {_list(seconds)}; memory {_list(memory)}; reading {found['read_s / pictures']:.2f}",
        max(*seconds, *memory, found["read_s / pictures"]) <= NOISE,
        "`train_growth`",
    )
    cores = results["serving_growth"]["slope from one core to two"]
    yield Goal(
        "serving against cores: in proportion", f"{cores:.2f}", cores >= 0.9, "`serving_growth`"
    )
    starts = [row for row in results["startup"]["starts"] if row["way"] == "without torch"]
    first, last = (
        next(row for row in starts if row["model"] == model)
        for model in ("mobilenet_v2_fpn", "resnet50_fpn")
    )
    more = last["seconds"] / first["seconds"], last["model_mb"] / first["model_mb"]
    yield Goal(
        "start to ready against the model's size: in proportion or less",
        f"{more[0]:.1f} x the time for {more[1]:.1f} x the size",
        more[0] <= more[1],
        "`startup`",
    )


def _list(slopes: Iterable[float]) -> str:
    return ", ".join(signed(slope, 2).removeprefix("+") for slope in slopes)


def gpu(_: Results) -> Iterable[Goal]:
    """What needs a GPU."""
    for says, by in (
        ("R50-FPN 800 x 1333, bfloat16: 100 pictures/s and 4 x torchvision", "`gpu_training`"),
        ("JPEG to JSON at 800 px: p50 12 ms, 150 pictures/s, 90 % by HTTP", "`gpu_latency`"),
        ("Penn-Fudan to its plateau: 60 s", "`gpu_penn_fudan`"),
    ):
        yield Goal(f"one H100, {says}", "no GPU was at hand", None, by)
    waits = "counted on a CPU: 0, and one every 20 steps"
    yield Goal("one H100, waits of the host in a step: near none", waits, None, "`gpu_training`")


PARTS = (training, requests, serving, images, answers, growth, gpu)


def goals(results: Results) -> str:
    """All goals as a table."""
    rows = [goal.row() for part in PARTS for goal in part(results)]
    return table(["goal", "here", "met", "benchmark"], rows)


TABLES = {"goals": goals}
