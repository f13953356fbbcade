"""GETs /ping until stdin closes, from a process of its own: a test's busy threads do not slow it.

Prints one JSON object: the seconds of each /ping, the statuses, and for comparison the seconds of
round trips to a process that does nothing but echo, which is what a busy machine makes of zero.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import socket
import sys
import time

PAUSE = 0.05


def echo(sock: socket.socket) -> None:
    while data := sock.recv(16):
        sock.sendall(data)
    os._exit(0)


def main() -> None:
    port = int(sys.argv[1])
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        echo(theirs)
    theirs.close()
    seconds, statuses, control = [], set(), []
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        start = time.monotonic()
        ours.sendall(b"x")
        ours.recv(1)
        control.append(time.monotonic() - start)
        start = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/ping")
        statuses.add(connection.getresponse().status)
        connection.close()
        seconds.append(time.monotonic() - start)
    ours.close()
    os.wait()
    print(json.dumps({"seconds": seconds, "statuses": sorted(statuses), "control": control}))


if __name__ == "__main__":
    main()
