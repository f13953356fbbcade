"""The queue of an asynchronous endpoint, and captured data: with storage, without containers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from byoa.local import async_requests
from byoa.local.async_requests import AsyncRequests
from byoa.local.data_capture import Capture
from byoa.local.exchange import MARK, Answer
from byoa.local.fleet import Variant
from byoa.local.folder_storage import FolderStorage
from byoa.local.invocation import Invocation, refuse
from byoa.plan.errors import ByoaError

VARIANT = Variant("a", 1.0, [])


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/x").write_bytes(b"7")
    return FolderStorage(tmp_path)


def waited(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def queue(storage: Any, invoke: Callable[[Invocation], Answer], **client: int) -> AsyncRequests:
    output = {"S3OutputPath": f"{storage.base}/out/"}
    config = {"OutputConfig": output, "ClientConfig": client}
    return AsyncRequests(config, storage, invoke)


def asked(storage: Any, **headers: str) -> Invocation:
    named = {MARK + "inputlocation": f"{storage.base}/in/x"}
    return Invocation(b"", {**named, **{MARK + key: value for key, value in headers.items()}})


def doubled(request: Invocation) -> Answer:
    return Answer(200, {}, str(int(request.body) * 2).encode())


def read(storage: FolderStorage, answer: Answer, which: str = "outputlocation") -> bytes:
    address = answer.headers[MARK + which]
    waited(lambda: any(storage.objects(address)))
    return storage.read(address)


def test_a_request_is_answered_where_the_client_was_told(storage: FolderStorage):
    seen: list[Invocation] = []

    def noted(request: Invocation) -> Answer:
        seen.append(request)
        return doubled(request)

    requests = queue(storage, noted)
    answer = requests.add(
        asked(storage, **{"content-type": "text/plain", "invocationtimeoutseconds": "77",
                          "s3outputpathextension": "mine", "filename": "a.txt"})
    )  # fmt: skip
    assert answer.status == 202
    assert answer.headers[MARK + "outputlocation"] == f"{storage.base}/out/mine/a.txt"
    assert read(storage, answer) == b"14"
    assert (seen[0].headers["content-type"], seen[0].seconds) == ("text/plain", 77)
    requests.close()


def test_a_request_that_waited_too_long_is_not_computed(storage: FolderStorage):
    def never(_: Invocation) -> Answer:
        raise AssertionError

    requests = queue(storage, never)
    ticket = async_requests.Ticket(
        Invocation(b"1"), "", f"{storage.base}/o", f"{storage.base}/f", time.monotonic() - 1
    )
    requests.waiting.put(ticket)
    waited(lambda: any(storage.objects(ticket.failure)))
    assert b"RequestTTLExceeded" in storage.read(ticket.failure)
    requests.close()


def test_the_queue_outlives_a_restart_of_the_container(storage: FolderStorage):
    answers = [refuse("ServiceUnavailable", "none", 503), Answer(200, {}, b"late")]
    requests = queue(storage, lambda _: answers.pop(0))
    assert read(storage, requests.add(asked(storage))) == b"late"
    requests.close()


def test_an_error_of_the_container_is_written_as_failure(storage: FolderStorage):
    requests = queue(storage, lambda _: refuse("ModelError", "Received server error (500)", 424))
    answer = requests.add(asked(storage))
    assert read(storage, answer, "failurelocation") == b"Received server error (500)"
    requests.close()


def test_only_so_many_at_once_and_what_waits_is_answered_before_the_end(storage: FolderStorage):
    going, most = [0], [0]

    def slow(request: Invocation) -> Answer:
        going[0] += 1
        most[0] = max(most[0], going[0])
        time.sleep(0.05)
        going[0] -= 1
        return doubled(request)

    requests = queue(storage, slow, MaxConcurrentInvocationsPerInstance=2)
    answers = [requests.add(asked(storage)) for _ in range(6)]
    requests.close()
    assert [read(storage, answer) for answer in answers] == [b"14"] * 6
    assert most[0] == 2


def test_a_deleted_endpoint_drops_what_waits(storage: FolderStorage):
    requests = queue(storage, lambda _: refuse("ServiceUnavailable", "none", 503))
    requests.add(asked(storage))
    requests.close(waiting=False)
    waited(lambda: not any(thread.is_alive() for thread in requests.threads))


def test_a_storage_that_fails_does_not_stop_the_queue(
    storage: FolderStorage, capsys: pytest.CaptureFixture[str]
):
    class Sulky(FolderStorage):
        moods = iter([ValueError("a stranger's error")])

        def write(self, uri: str, data: bytes, *, only_new: bool = False) -> bool:
            for mood in self.moods:
                raise mood
            return super().write(uri, data, only_new=only_new)

    sulky = Sulky(Path(storage.base.removeprefix("file://")))
    requests = queue(sulky, doubled, MaxConcurrentInvocationsPerInstance=1)
    requests.add(asked(storage))
    assert read(storage, requests.add(asked(storage))) == b"14"
    requests.close()
    waited(lambda: "a stranger's error" in capsys.readouterr().err)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"inputlocation": ""}, "InputLocation is missing"),
        ({"requestttlseconds": "59"}, "is not between 60 and 21600"),
        ({"invocationtimeoutseconds": "soon"}, "is not between 1 and 3600"),
    ],
)
def test_bad_requests_are_refused(storage: FolderStorage, headers: dict[str, str], said: str):
    requests = queue(storage, doubled)
    answer = requests.add(asked(storage, **headers))
    assert answer.status == 400 and said in json.loads(answer.body)["Message"]
    long = requests.add(Invocation(b"x" * 128_001))
    assert "longer than 128000 bytes" in json.loads(long.body)["Message"]
    requests.close()


def test_a_share_of_the_requests_is_captured(storage: FolderStorage):
    config = {
        "InitialSamplingPercentage": 25,
        "DestinationS3Uri": f"{storage.base}/captured/",
        "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
    }
    capture = Capture("e", config, storage, every=60)
    for _ in range(400):
        capture.add(
            Invocation(b"1,2", {"content-type": "text/csv"}), Answer(200, {}, b"3"), VARIANT
        )
    capture.close()
    (file,) = storage.objects(f"{storage.base}/captured/")
    lines = storage.read(f"{storage.base}/captured/{file.name}").decode().splitlines()
    assert 50 < len(lines) < 150
    data = json.loads(lines[0])["captureData"]
    assert data["endpointInput"]["encoding"] == "CSV" and data["endpointInput"]["data"] == "1,2"
    assert data["endpointOutput"]["mode"] == "OUTPUT"


def test_a_capture_that_cannot_be_written_leaves_the_endpoint_alone(
    capsys: pytest.CaptureFixture[str],
):
    class Full(FolderStorage):
        def write(self, uri: str, data: bytes, *, only_new: bool = False) -> bool:
            raise ByoaError("no space")

    config = {"InitialSamplingPercentage": 100, "DestinationS3Uri": "file:///x"}
    capture = Capture("e", config, Full(Path("/x")), every=60)
    capture.add(Invocation(b"1"), Answer(200, {}, b"2"), VARIANT)
    capture.close()
    assert "no space" in capsys.readouterr().err
