"""How serving's throughput grows with clients, and with cores.

    python benchmarks/serving_growth.py [--small]

A predictor that takes 20 ms of one core, behind `serve` as it configures itself: 1 to 128 clients
on this machine; and 16 clients with half a core, one, one and a half and two, given by a control
group as a container's are (the load comes from outside of it). Rates are shares of the cores' own
rate, measured in turns with a loop that calls the predictor on one core.
"""

from __future__ import annotations

import argparse
import os
import statistics
from contextlib import ExitStack

import measure
from _groups import cores
from _load import picture, post
from _servers import ours, until_idle
from _spin import CALL, alone, predictor

CLIENTS = (1, 2, 4, 8, 16, 32, 64, 128)
CORES = (0.5, 1.0, 1.5, 2.0)
WORK = 20
Points = list[tuple[float, float]]


def main() -> None:
    """Measure, print, write results/serving_growth.json and two plots."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="few points, for a moment")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2)
    chosen = parser.parse_args()
    clients, some = list(CLIENTS), [each for each in CORES if each <= len(os.sched_getaffinity(0))]
    if chosen.small:
        clients, some, chosen.turns, chosen.seconds = [1, 4], some[1:2], 1, 1
    source = predictor(WORK)
    by_clients = against_clients(source, clients, chosen.turns, chosen.seconds)
    by_cores, share = against_cores(source, some, chosen.turns, chosen.seconds)
    print(f"clients: {by_clients}\ncores: {by_cores}\nshare of the cores' own rate: {share}")
    if chosen.small:
        return
    facts = {
        "predictor ms": WORK,
        "requests/s by clients": by_clients,
        "requests/s by cores": by_cores,
        "share of the cores' own rate": share,
        "slope from one core to two": round(measure.slope([by_cores[1], by_cores[-1]]), 3),
    }
    measure.save("serving_growth", {**measure.machine("gunicorn", "gevent"), **facts})
    labels = ("clients", "requests/s")
    measure.growth("serving_clients", "20 ms predictor, 2 cores", {"serve": by_clients}, labels)
    ideal = [(count, by_cores[1][1] * count) for count, _ in by_cores]
    series = {"serve": by_cores, "linear": ideal}
    measure.growth("serving_cores", "20 ms predictor, 16 clients", series, ("cores", "requests/s"))


def against_clients(source: str, clients: list[int], turns: int, seconds: int) -> Points:
    """(clients, requests a second): the median over the turns."""
    body = picture()
    rates: dict[int, list[float]] = {count: [] for count in clients}
    with ours(source, BYOA_QUEUE_SIZE="256") as server:
        post(server.port, server.path, body, 8, 1)
        for _ in range(turns):
            for count in clients:
                until_idle(server)
                load = post(server.port, server.path, body, count, seconds)
                assert not load.errors, load
                rates[count].append(load.rate)
    return [(count, round(statistics.median(found), 1)) for count, found in rates.items()]


def against_cores(
    source: str, some: list[float], turns: int, seconds: int
) -> tuple[Points, dict[str, float]]:
    """(cores, requests a second), and these as shares of so many times one core's own rate."""
    body = picture()
    rates: dict[float, list[float]] = {count: [] for count in some}
    own: list[float] = []
    for _ in range(turns):
        with alone(source + CALL, 1) as loop:
            loop.rate(0.3)
            own.append(loop.rate(seconds))
        for count in some:
            with ExitStack() as stack:
                prefix = stack.enter_context(cores(count))
                server = stack.enter_context(ours(source, prefix, BYOA_QUEUE_SIZE="256"))
                until_idle(server)
                load = post(server.port, server.path, body, 16, seconds)
                assert not load.errors, load
                rates[count].append(load.rate)
    points = [(count, round(statistics.median(found), 1)) for count, found in rates.items()]
    share = {
        str(count): round(
            statistics.median(a / b / count for a, b in zip(found, own, strict=True)), 3
        )
        for count, found in rates.items()
    }
    return points, share


if __name__ == "__main__":
    main()
