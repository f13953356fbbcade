"""Goals of serving, images, starts and answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from _goal import Goal
from _markdown import signed, span, times

Results = Mapping[str, Any]


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
    yield from starts(results["startup"])


def starts(found: Results) -> Iterable[Goal]:
    """Every run that is kept, with what the predictor that does nothing took in it."""
    runs = [found, *found["earlier"]]
    for way, most in (("without torch", 0.7), ("without torch, int8", 0.7), ("torch", 1.5)):
        seconds, dates = [], []
        for run in runs:
            rows = {(row["way"], row["model"]): row["seconds"] for row in run["starts"]}
            if (way, "resnet50_fpn") in rows:
                seconds.append(rows[way, "resnet50_fpn"])
                nothing = rows["torch", "predictor that does nothing"]
                date = run["machine"]["date"][5:]
                dates.append(f"{seconds[-1]:.2f} s on {date} (no model: {nothing:.2f} s)")
        said = way if way != "torch" else "with torch"
        yield Goal(
            f"start to ready {said}, ResNet-50: {most} s",
            ", ".join(dates),
            all(one <= most for one in seconds),
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
