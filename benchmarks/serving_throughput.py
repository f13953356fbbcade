"""What HTTP leaves of a model's own throughput, and how soon /ping answers meanwhile.

    python benchmarks/serving_throughput.py [--small]

A predictor that keeps one core busy for 5, 20 and 100 ms runs in as many processes as there are
cores: called in a loop with no server, behind `serve` with 8, 16, 32 and 64 clients, in turns: each
run of clients is compared with the loop's runs just before and just after.
Goals: at least 95 % of the loop's rate; the 99th percentile of /ping below 50 ms while every worker
computes. Clients and the HTTP tier share the cores with the workers, so what they cost shows.
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import threading
import time
from contextlib import ExitStack
from typing import Any

import measure
from _load import picture, post
from _servers import Server, ours, until_idle
from _spin import alone, predictor

CLIENTS = (8, 16, 32, 64)
SECONDS = {5: 1, 20: 1, 100: 3}
GAP = 0.02  # between two pings


def main() -> None:
    """Measure, print, write results/serving_throughput.json and .png."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="one size of work, for a moment")
    parser.add_argument("--turns", type=int, default=5)
    chosen = parser.parse_args()
    result: dict[str, Any] = {}
    if chosen.small:
        result["20 ms"] = measured(20, (8,), 1, 1)
    else:
        for work, seconds in SECONDS.items():
            result[f"{work} ms"] = measured(work, CLIENTS, chosen.turns, seconds)
    for name, found in result.items():
        print(name, found)
    if chosen.small:
        return
    facts = {"turns": chosen.turns, "share of the predictor's own rate": result}
    measure.save("serving_throughput", {**measure.machine("gunicorn", "gevent"), **facts})
    bars = {
        f"{name}, {count} clients": 100 * found["share"][str(count)]
        for name, found in result.items()
        for count in CLIENTS
    }
    title = "Rate through HTTP / rate without a server"
    measure.bars("serving_throughput", title, bars, "%")


def measured(work: int, clients: tuple[int, ...], turns: int, seconds: int) -> dict[str, Any]:
    """Shares by number of clients and /ping's milliseconds, for one size of work."""
    cores = len(os.sched_getaffinity(0))
    source, body = predictor(work), picture()
    own: list[float] = []
    shares: dict[int, list[float]] = {count: [] for count in clients}
    with ExitStack() as stack:
        loop = stack.enter_context(alone(source, cores))
        server = stack.enter_context(ours(source, BYOA_QUEUE_SIZE="256"))
        loop.rate(0.5)
        post(server.port, server.path, body, 8, 1)
        until_idle(server)
        own.append(loop.rate(seconds))
        for count in [count for _ in range(turns) for count in clients]:
            load = post(server.port, server.path, body, count, seconds)
            assert not load.errors, load
            until_idle(server)
            own.append(loop.rate(seconds))
            shares[count].append(load.rate / statistics.mean(own[-2:]))
        pings = pinged(server, body, max(3, seconds * turns // 2))
    return {
        "own rate": round(statistics.median(own), 1),
        "share": {str(count): round(statistics.median(each), 3) for count, each in shares.items()},
        "ping p50 ms": round(measure.percentile(pings, 50), 2),
        "ping p99 ms": round(measure.percentile(pings, 99), 2),
        "pings": len(pings),
    }


def pinged(server: Server, body: bytes, seconds: int) -> list[float]:
    """Milliseconds of every /ping, each over a connection of its own, while 16 clients post."""
    load = threading.Thread(target=post, args=(server.port, server.path, body, 16, seconds))
    load.start()
    time.sleep(0.2)
    found = []
    while load.is_alive():
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.request("GET", "/ping")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        connection.close()
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(GAP)
    load.join()
    return found


if __name__ == "__main__":
    main()
