"""The Runtime API as a process sees it, and who else does not."""

from __future__ import annotations

import http.client
import os
import socket
import threading
from collections.abc import Iterator

import pytest

from byoa.sandbox.lambdas.peers import owner_of
from byoa.sandbox.lambdas.runtime_api import VERSION, Event, News, RuntimeApi


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    api = RuntimeApi()
    yield api
    api.close()


def ask(
    api: RuntimeApi, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection(api.address, timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.headers)
    finally:
        connection.close()


def test_an_event_goes_out_and_its_answer_comes_back(api: RuntimeApi) -> None:
    api.events.put(Event("id-1", b'{"a": 1}', {"Lambda-Runtime-Aws-Request-Id": "id-1"}))
    status, body, headers = ask(api, "GET", f"{VERSION}/invocation/next")
    assert (status, body) == (200, b'{"a": 1}')
    assert headers["Lambda-Runtime-Aws-Request-Id"] == "id-1"
    assert ask(api, "POST", f"{VERSION}/invocation/id-1/response", b"2")[0] == 202
    assert ask(api, "POST", f"{VERSION}/invocation/id-1/error", b"{}")[0] == 202
    assert ask(api, "POST", f"{VERSION}/init/error", b"{}")[0] == 202
    told = [api.news.get(timeout=60) for _ in range(4)]
    assert told == [
        News("ready"),
        News("response", b"2", "id-1"),
        News("error", b"{}", "id-1"),
        News("init_error", b"{}"),
    ]


def test_what_it_does_not_know(api: RuntimeApi) -> None:
    assert ask(api, "GET", "/")[0] == 404
    assert ask(api, "POST", "/2018-06-01/other")[0] == 404
    assert api.news.empty()


def test_a_web_page_gets_nothing(api: RuntimeApi) -> None:
    api.events.put(Event("id-1", b"secret", {}))
    status, body, _ = ask(api, "GET", f"{VERSION}/invocation/next", Origin="http://a.page")
    assert (status, body) == (403, b"{}")
    assert not api.events.empty()


def test_the_other_end_of_a_connection_has_an_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert owner_of(client.getsockname()[1], port) == os.getuid()
    assert owner_of(1, 2) is None


def test_who_waits_is_let_go_when_it_ends() -> None:
    api = RuntimeApi()
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises((http.client.HTTPException, OSError)):
            ask(api, "GET", f"{VERSION}/invocation/next")
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert api.news.get(timeout=20) == News("ready")
    api.close()
    assert ended.wait(20)
    thread.join()
