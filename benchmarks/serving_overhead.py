"""What `serve` itself costs a request, against LitServe and TorchServe, with a no-op predictor.

    python benchmarks/serving_overhead.py [--small]

The same JPEG of 100 KB is posted to each, over 1, 8, 16 and 64 connections, in turns: `serve`
behind nginx and without, LitServe, TorchServe; one model process each. The load (wrk) shares this
machine's cores with the server, so rates are a floor. Goals: with one connection p50 <= 1 ms and
p99 <= 3 ms; 1.5 times LitServe's and 2.5 times TorchServe's requests a second; no error.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict

import measure
from _load import Load, picture, post
from _servers import Server, contenders

Loads = dict[str, dict[int, list[Load]]]
CONNECTIONS = (1, 8, 16, 64)


def main() -> None:
    """Start all, let them take turns, write results/serving_overhead.json and .png."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="ours only, for a moment")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each turn")
    chosen = parser.parse_args()
    ways, connections = contenders(), list(CONNECTIONS)
    if chosen.small:
        ways = {name: way for name, way in ways.items() if name.startswith("serve")}
        connections, chosen.turns, chosen.seconds = [1, 8], 1, 1
    with ExitStack() as stack:
        servers = {name: stack.enter_context(way()) for name, way in ways.items()}
        loads = take_turns(servers, connections, chosen.turns, chosen.seconds)
    result = summarise(loads)
    show(result)
    if not chosen.small:
        write(result, chosen.turns, chosen.seconds)


def take_turns(
    servers: Mapping[str, Server], connections: Sequence[int], turns: int, seconds: int
) -> Loads:
    """Every server's figures in every turn, for each number of connections."""
    body = picture()
    loads: Loads = {name: {count: [] for count in connections} for name in servers}
    for server in servers.values():
        post(server.port, server.path, body, 8, 1)
    for _ in range(turns):
        for count in connections:
            for name, server in servers.items():
                loads[name][count].append(post(server.port, server.path, body, count, seconds))
    return loads


def summarise(loads: Loads) -> dict[str, dict[str, dict[str, float]]]:
    """Medians over the turns; `times X` is our rate over X's, the median of the pairs."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for name, by_count in loads.items():
        result[name] = {}
        for count, found in by_count.items():
            figures = [asdict(load) for load in found]
            facts = {key: statistics.median(each[key] for each in figures) for key in figures[0]}
            facts["errors"] = sum(load.errors for load in found)
            for peer in ("LitServe", "TorchServe"):
                if name.startswith("serve") and peer in loads:
                    pairs = zip(found, loads[peer][count], strict=True)
                    facts[f"times {peer}"] = statistics.median(a.rate / b.rate for a, b in pairs)
            result[name][str(count)] = {key: round(value, 3) for key, value in facts.items()}
    return result


def show(result: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    """One table."""
    columns = ("p50", "p99", "rate", "errors", "times LitServe", "times TorchServe")
    print(f"{'server':18}{'clients':>8}", *(f"{column:>16}" for column in columns))
    for name, by_count in result.items():
        for count, facts in by_count.items():
            values = (f"{facts.get(column, float('nan')):16.2f}" for column in columns)
            print(f"{name:18}{count:>8}", *values)


def write(
    result: Mapping[str, Mapping[str, Mapping[str, float]]], turns: int, seconds: int
) -> None:
    """The JSON and the bars."""
    facts = measure.machine("gunicorn", "gevent")
    facts["versions"] |= peer_versions()
    told = {"turns": turns, "seconds of a turn": seconds, "milliseconds and requests/s": result}
    measure.save("serving_overhead", {**facts, **told})
    bars = {
        f"{name}, {count}": by_count[count]["rate"]
        for count in ("1", "16", "64")
        for name, by_count in result.items()
    }
    measure.bars(
        "serving_overhead", "No-op predictor, 100 KB JPEG: server, connections", bars, "requests/s"
    )


def peer_versions() -> dict[str, str]:
    """Whom we were compared with."""
    code = "from importlib.metadata import version as v; print(v('litserve'), v('torchserve'))"
    said = subprocess.run([measure.peers(), "-c", code], check=True, capture_output=True, text=True)
    return dict(zip(("litserve", "torchserve"), said.stdout.split(), strict=True))


if __name__ == "__main__":
    main()
