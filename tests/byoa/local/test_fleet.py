"""Who gets a request, how long it may take, and how a fleet goes: with servers in this process."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from byoa.local.exchange import Answer, exchange
from byoa.local.fleet import (
    ClosedError,
    Fleet,
    Limits,
    NoInstanceError,
    TooManyError,
    UnknownVariantError,
    Variant,
)
from byoa.local.front_door import KEY, FrontDoor
from byoa.local.instance import Instance, Pace
from byoa.local.invocation import ERROR_TYPE, Endpoint, Invocation
from byoa.plan.errors import ByoaError

QUICK = Pace(ping_every=0.05, while_starting=0.02, look_every=0.02)


class Server:
    """A `serve` without a process: /ping answers `status`; it ends when `code` is set."""

    def __init__(self, heard: Callable[[str], None] = lambda _: None) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.give(outer.status, b"loading" if outer.status != 200 else b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(float(body or 0))
                self.give(200, str(outer.number).encode())

            def give(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.status, self.code, self.number = 200, None, 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        self.stopped = False
        heard("started")

    code: int | None

    def poll(self) -> int | None:
        return self.code

    def stop(self) -> None:
        self.stopped = True
        self.server.shutdown()
        self.server.server_close()


class Servers:
    """Makes them, and remembers them by number."""

    def __init__(self) -> None:
        self.made: list[Server] = []
        self.status = 200

    def __call__(self, heard: Callable[[str], None]) -> Server:
        server = Server(heard)
        server.status, server.number = self.status, len(self.made)
        self.made.append(server)
        return server


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def servers() -> Servers:
    return Servers()


@contextmanager
def running(servers: Servers, patience: float = 5, **limits: float) -> Iterator[Fleet]:
    log: list[str] = []
    one = Instance(servers, log.append, patience, QUICK)
    fleet = Fleet([Variant("a", 1.0, [one], Limits(**limits))])  # type: ignore[arg-type]
    try:
        yield fleet
    finally:
        fleet.close(1)


def test_an_instance_is_healthy_after_its_first_good_ping(servers: Servers):
    servers.status = 503
    with running(servers) as fleet:
        time.sleep(0.2)
        assert not fleet.variants[0].healthy
        with pytest.raises(NoInstanceError), fleet.take():
            pass
        servers.made[0].status = 200
        assert fleet.wait_healthy(lambda: False) == ""
    assert servers.made[0].stopped and len(servers.made) == 1


def test_a_start_that_takes_too_long_or_ends_is_a_failure_with_its_last_lines(servers: Servers):
    servers.status = 500
    with running(servers, patience=0.2) as fleet:
        said = fleet.wait_healthy(lambda: False)
        assert "did not pass the ping health check" in said
        assert "after 0.2 s GET /ping answered 500 (loading); its last lines: started" in said
        assert servers.made[0].stopped

    def gone(heard: Callable[[str], None]) -> Server:
        server = servers(heard)
        server.status, server.code = 503, 3
        return server

    one = Instance(gone, lambda _: None, 5, QUICK)
    until(lambda: bool(one.failure))
    assert "exit status 3" in one.failure
    one.close()

    def never(heard: Callable[[str], None]) -> Server:
        raise ByoaError("no such image")

    one = Instance(never, lambda _: None, 5, QUICK)
    until(lambda: bool(one.failure))
    assert one.failure == "it did not start: no such image"
    one.close()


def test_an_instance_that_ends_or_stops_answering_is_replaced(servers: Servers):
    with running(servers) as fleet:
        fleet.wait_healthy(lambda: False)
        servers.made[0].code = 137
        until(lambda: len(servers.made) == 2 and bool(fleet.variants[0].healthy))
        assert servers.made[0].stopped
        servers.made[1].status = 500
        until(lambda: len(servers.made) == 3 and bool(fleet.variants[0].healthy))
        assert servers.made[1].stopped
        with fleet.take() as (_, instance):
            assert instance.address == servers.made[2].address


def test_the_least_busy_container_gets_the_request_and_variants_by_weight(servers: Servers):
    ones = [Instance(servers, lambda _: None, 5, QUICK) for _ in range(3)]
    fleet = Fleet([Variant("a", 3.0, ones[:2]), Variant("b", 1.0, ones[2:])])
    fleet.wait_healthy(lambda: False)
    with fleet.take("a") as (_, first), fleet.take("a") as (_, second):
        assert first is not second
    with pytest.raises(UnknownVariantError), fleet.take("c"):
        pass
    names = []
    for _ in range(400):
        with fleet.take() as (variant, _):
            names.append(variant.name)
    assert 230 < names.count("a") < 370
    fleet.close(0)
    with pytest.raises(ClosedError), fleet.take():
        pass


def test_serverless_takes_no_more_than_its_concurrency(servers: Servers):
    with running(servers, at_once=2) as fleet:
        fleet.wait_healthy(lambda: False)
        with fleet.take(), fleet.take():
            with pytest.raises(TooManyError), fleet.take():
                pass
            endpoint = Endpoint("e", "arn", "logs", fleet)
            answer = endpoint.invoke(Invocation(b"0"))
            assert (answer.status, answer.headers[ERROR_TYPE]) == (429, "ThrottlingException")
        with fleet.take():
            pass


def test_a_request_that_takes_too_long_is_a_model_error(servers: Servers):
    with running(servers, seconds=0.3) as fleet:
        fleet.wait_healthy(lambda: False)
        endpoint = Endpoint("e", "arn", "logs", fleet)
        answer = endpoint.invoke(Invocation(b"3"))
        assert answer.status == 424 and b"Your invocation timed out" in answer.body
        servers.made[0].code = 1
        until(lambda: len(servers.made) == 2)
        servers.made[1].stop()
        answer = endpoint.invoke(Invocation(b"0"))
        assert answer.status in {424, 503}


def test_closing_waits_for_what_was_taken(servers: Servers):
    with running(servers) as fleet:
        fleet.wait_healthy(lambda: False)
        endpoint = Endpoint("e", "arn", "logs", fleet)
        answers: list[Answer] = []
        thread = threading.Thread(
            target=lambda: answers.append(endpoint.invoke(Invocation(b"0.5")))
        )
        thread.start()
        until(lambda: fleet.variants[0].busy == 1)
        fleet.close(5)
        thread.join()
        assert [one.status for one in answers] == [200]
        assert endpoint.invoke(Invocation(b"0")).headers[ERROR_TYPE] == "ValidationError"


@contextmanager
def wire(*pieces: bytes, pause: float = 0.0, keep: float = 0.0) -> Iterator[str]:
    """A server that says just these bytes, whatever it is asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def say() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                for piece in pieces:
                    try:
                        connection.sendall(piece)
                    except OSError:
                        return
                    time.sleep(pause)
                time.sleep(keep)

        thread = threading.Thread(target=say, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"


def test_an_answer_has_one_deadline_however_it_trickles():
    head = HEAD.replace(b"10", b"100")
    with wire(head, *[b"x"] * 100, pause=0.05) as address:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            exchange(address, "POST", "/", b"", seconds=0.35)
        assert time.monotonic() - started < 4, "the whole answer takes five seconds"


def test_an_answer_that_is_cut_is_no_answer():
    with wire(HEAD + b"12345") as address, pytest.raises(http.client.IncompleteRead):
        exchange(address, "POST", "/", b"")
    with wire(b"") as address, pytest.raises((http.client.HTTPException, OSError)):
        exchange(address, "POST", "/", b"")
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    with wire(chunks) as address:
        assert exchange(address, "POST", "/", b"").body == b"abc"


def test_the_front_door_refuses_what_is_too_long_unread():
    door = FrontDoor(lambda word, request: Answer(200, {"x-word": word}, request.body))
    try:
        address = f"127.0.0.1:{door.port}"
        answer = exchange(address, "POST", "/endpoints/e/invocations", b"hello", {KEY: door.key})
        assert (answer.headers["x-word"], answer.body) == ("invocations", b"hello")
        connection = http.client.HTTPConnection(address)
        connection.putrequest("POST", "/endpoints/e/invocations")
        connection.putheader("Content-Length", str(1 << 30))
        connection.putheader(KEY, door.key)
        connection.endheaders()
        assert connection.getresponse().status == 413
        connection.close()
    finally:
        door.close()
