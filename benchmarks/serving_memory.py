"""Whether `serve` keeps its memory flat: every process's, over 10,000 requests.

    python benchmarks/serving_memory.py [--small]

Bodies of random sizes up to 1 MB; every third request asks for gzip, three of ten are refused
or goes the long way (chunked, a query, an unknown route). Resident memory of nginx, gunicorn and
the model process after 2,000 requests (buffers have their size), and after each 1,000 more.
A single look says little: what malloc has free at the end of its heap comes and goes with the last
large body. So growth is the median of the second half of the looks less that of the first.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import measure
from _servers import Server, ours

CLIENTS = 8
PREDICTOR = """
def model_fn(model_dir):
    return None


def transform_fn(model, data, content_type, accept):
    numbers = (b"%d" % (number % 977) for number in range(len(data) // 100))
    return b"[%s]" % b", ".join(numbers), accept
"""


def main() -> None:
    """Measure, print, write results/serving_memory.json."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="500 requests")
    chosen = parser.parse_args()
    few, step, looks = (100, 50, 4) if chosen.small else (2_000, 1_000, 10)
    result: dict[str, dict[str, list[float]]] = {}
    for front, nginx in (("behind nginx", "true"), ("without nginx", "false")):
        with ours(PREDICTOR, SAGEMAKER_MODEL_SERVER_WORKERS="1", BYOA_NGINX=nginx) as server:
            send_many(server, few)
            found = [memory(server.pid)]
            for _ in range(looks):
                send_many(server, step)
                found.append(memory(server.pid))
        assert all(one.keys() == found[0].keys() for one in found), found
        result[front] = {name: [one[name] for one in found] for name in found[0]}
        result[front]["all"] = [round(sum(one.values()), 2) for one in found]
    growth = {front: grown(processes["all"]) for front, processes in result.items()}
    for front, processes in result.items():
        for name, values in processes.items():
            print(f"{front:15} {name:20} {values}")
        print(f"{front:15} grown by {growth[front]} MB")
    if not chosen.small:
        told: dict[str, object] = {"requests": step * looks, "after a warm-up of": few}
        told |= {"a look every": step, "grown by MB": growth, "resident MB": result}
        measure.save("serving_memory", {**measure.machine("gunicorn", "gevent"), **told})


def grown(looks: Sequence[float]) -> float:
    """By how much the second half of the looks lies above the first, at the median."""
    half = len(looks) // 2
    return round(statistics.median(looks[-half:]) - statistics.median(looks[:half]), 2)


def send_many(server: Server, count: int) -> None:
    """So many requests, over a few connections at a time."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        shares = [(server.port, seed, count // CLIENTS) for seed in range(CLIENTS)]
        assert all(pool.map(lambda share: send_some(*share), shares))


def send_some(port: int, seed: int, count: int) -> bool:
    """One client's requests, the same for the same seed."""
    randomly = random.Random(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number in range(count):
        body = bytes(randomly.randrange(1, 1_000_000))
        headers = {"Content-Type": "image/jpeg", "Accept": "application/json"}
        if number % 3 == 0:
            headers["Accept-Encoding"] = "gzip"
        path, expected, data = "/invocations", 200, body
        if number % 10 == 3:
            path += "?long=way"
        elif number % 10 == 6:
            path, expected = "/nowhere", 404
        chunked = number % 10 == 9
        connection.request(
            "POST", path, pieces(data) if chunked else data, headers, encode_chunked=chunked
        )
        answer = connection.getresponse()
        answer.read()
        assert answer.status == expected, (answer.status, number)
    connection.close()
    return True


def pieces(data: bytes) -> Iterator[bytes]:
    """For a chunked body."""
    for at in range(0, len(data), 50_000):
        yield data[at : at + 50_000]


def memory(pid: int) -> dict[str, float]:
    """Resident megabytes of a process and all below it, by pid and name."""
    status = Path(f"/proc/{pid}/statm").read_text().split()
    name = Path(f"/proc/{pid}/comm").read_text().strip()
    found = {f"{name} {pid}": round(int(status[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6, 2)}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found |= memory(int(child))
    return found


if __name__ == "__main__":
    main()
