"""ingest_data: what is fetched is whole, fetched once, and in constant memory."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
from collections.abc import Callable
from email.message import Message
from ipaddress import ip_address
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.asked import IngestData, TryAgainError
from byoa.plan.errors import ByoaError, UsageError
from infrastructure.lambdas.ingest_data.fetch import TooLargeError
from infrastructure.lambdas.ingest_data.handler import HashMismatchError, Ingest
from infrastructure.lambdas.ingest_data.reach import (
    SourceError,
    checked,
    parsed,
    path_of,
    plain,
    reachable,
)
from infrastructure.lambdas.ingest_data.source import Web, mark_of, word
from tests.infrastructure.conftest import FunctionError, Stack
from tests.infrastructure.source_server import SourceServer, content, sha256

MIB = 1 << 20
LOOPBACK = "127.0.0.0/8"


class Time:
    """The seconds that a call has left; gone when as many bytes have been read."""

    def __init__(self) -> None:
        self.seconds, self.ends_at, self.read = 900.0, 1 << 40, 0
        self.kills = False

    def left(self) -> float:
        if self.read < self.ends_at:
            return self.seconds
        if self.kills:
            raise Killed
        return 1.0


class Killed(BaseException):
    """What Lambda's own timeout looks like from inside."""


class Watched(Web):
    """A source whose reader counts."""

    time: Time

    def reader(self, answer: Any) -> Callable[[int], bytes]:
        read = super().reader(answer)

        def counted(size: int) -> bytes:
            data = read(min(size, 65_536))
            self.time.read += len(data)
            return data

        return counted


class Timed(Ingest):
    """A call whose time a test holds in its hand."""

    time: Time

    def source(self, url: str) -> Any:
        if url.startswith("s3://"):
            return super().source(url)
        parsed(url)
        made = Watched(url, LOOPBACK)
        made.time = self.time
        return made


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def run(stack: Stack, time: Time, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """One call of the function's inside; the staging place is empty before the first."""
    s3, bucket = stack.client("s3"), stack.names.bucket
    for one in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", ()):
        s3.abort_multipart_upload(Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"])
    for key in stack.keys(".byoa-ingest/"):
        s3.delete_object(Bucket=bucket, Key=key)

    def once(url: str, target: str = "", **words: Any) -> dict[str, Any]:
        target = target or f"s3://{bucket}/data/{request.node.name}"
        here = {"BUCKET": bucket, "ALLOWED_NETWORKS": LOOPBACK, "MAX_BYTES": ""}
        time.read = 0
        ingest = Timed(s3, here, lambda: 900.0, sleep=lambda seconds: None, part=5 * MIB)
        ingest.left, ingest.time = time.left, time
        return ingest.run(IngestData(source=url, target=target, **words))

    return once


def stored(stack: Stack, answer: dict[str, Any]) -> str:
    data = stack.get(answer["Uri"].partition(f"{stack.names.bucket}/")[2])
    assert len(data) == answer["Bytes"] == answer["Total"]
    return hashlib.sha256(data).hexdigest()


def nothing_half_done(stack: Stack) -> bool:
    uploads = stack.client("s3").list_multipart_uploads(Bucket=stack.names.bucket)
    return not uploads.get("Uploads") and stack.keys(".byoa-ingest/") == []


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 12 * MIB + 1])
@pytest.mark.parametrize("length", [True, False])
def test_all_sizes_come_whole(
    run: Any, stack: Stack, source: SourceServer, size: int, length: bool
):
    source.size, source.length = size, length
    answer = run(source.url, sha256=sha256(size).upper())
    assert answer["Done"] and answer["Changed"]
    assert stored(stack, answer) == answer["Sha256"] == sha256(size)
    assert nothing_half_done(stack)


@pytest.mark.parametrize("etag", ['"one"', ""])
def test_what_has_not_changed_is_not_fetched_again(run: Any, source: SourceServer, etag: str):
    source.etag, source.modified = etag, "" if etag else "Sun, 22 Nov 2026 10:00:00 GMT"
    first = run(source.url)
    again = run(source.url)
    assert (first["Changed"], again["Changed"]) == (True, False)
    assert again == {**first, "Changed": False}
    assert ("If-None-Match" if etag else "If-Modified-Since") in source.asked[1]
    source.etag, source.modified, source.size = '"two"', "", 2000
    assert run(source.url)["Bytes"] == 2000


def test_a_server_that_knows_no_conditions_is_believed_by_its_etag(run: Any, source: SourceServer):
    first = run(source.url)
    source.etag, etag = "", source.etag
    source.headers["ETag"] = etag
    assert run(source.url) == {**first, "Changed": False}


def test_a_hash_that_is_there_needs_no_request(run: Any, source: SourceServer):
    run(source.url)
    source.asked.clear()
    assert not run(source.url, sha256=sha256(1000))["Changed"]
    assert source.asked == []


def test_a_cut_line_is_taken_up_where_it_was(run: Any, stack: Stack, source: SourceServer):
    source.size, source.cuts = 12 * MIB, [100, 100, 6 * MIB, 7 * MIB + 5]
    answer = run(source.url, sha256=sha256(12 * MIB))
    assert stored(stack, answer) == sha256(12 * MIB)
    assert [one.get("Range", "") for one in source.asked] == [
        "", "bytes=100-", "bytes=100-", f"bytes={6 * MIB}-", f"bytes={7 * MIB + 5}-"
    ]  # fmt: skip
    assert {one.get("If-Range") for one in source.asked[1:]} == {'"one"'}


def test_a_server_without_ranges_is_read_past_what_is_there(
    run: Any, stack: Stack, source: SourceServer
):
    source.size, source.ranges, source.cuts = 7 * MIB, False, [6 * MIB]
    assert stored(stack, run(source.url)) == sha256(7 * MIB)


def test_a_source_that_changes_meanwhile_begins_anew(run: Any, stack: Stack, source: SourceServer):
    def change(at: int) -> None:
        if at >= 6 * MIB and source.etag == '"one"':
            source.etag, source.size = '"two"', 3 * MIB

    source.size, source.cuts, source.on_piece = 12 * MIB, [6 * MIB], change
    answer = run(source.url)
    assert stored(stack, answer) == sha256(3 * MIB)
    assert nothing_half_done(stack)


def test_a_source_without_a_mark_is_never_patched_together(
    run: Any, stack: Stack, source: SourceServer
):
    source.etag, source.size, source.cuts = "", 7 * MIB, [6 * MIB]
    assert stored(stack, run(source.url)) == sha256(7 * MIB)
    assert [one.get("Range") for one in source.asked] == [None, None]


def test_busy_servers_are_asked_again(run: Any, source: SourceServer):
    source.statuses = [503, 429, 500]
    assert run(source.url)["Done"]
    source.statuses, source.etag = [503] * 6, '"two"'
    with pytest.raises(TryAgainError, match=r"broke off 6 times at byte 0: HTTP 503\. Call again"):
        run(source.url)


def test_when_the_time_is_up_the_next_call_goes_on(
    run: Any, stack: Stack, source: SourceServer, time: Time
):
    source.size = 17 * MIB
    time.ends_at = 8 * MIB
    first = run(source.url)
    assert (first["Done"], first["Total"]) == (False, 17 * MIB)
    assert first["Bytes"] == 5 * MIB  # three more are no part that S3 takes
    assert stack.keys(f"data/{first['Uri'].rpartition('/')[2]}") == []  # nothing half is to be seen
    time.ends_at = 17 * MIB + 1
    second = run(source.url, sha256=sha256(17 * MIB))
    assert stored(stack, second) == second["Sha256"] == sha256(17 * MIB)
    assert source.asked[1]["Range"] == f"bytes={first['Bytes']}-"
    assert nothing_half_done(stack)


def test_a_call_that_was_killed_is_gone_on_with(
    run: Any, stack: Stack, source: SourceServer, time: Time
):
    """Lambda's timeout leaves no time for a word: the parts alone say how far it was."""
    source.size = 12 * MIB
    time.ends_at, time.kills = 11 * MIB, True
    with pytest.raises(Killed):
        run(source.url)
    time.ends_at = 13 * MIB
    assert stored(stack, run(source.url)) == sha256(12 * MIB)
    assert source.asked[1]["Range"] == f"bytes={10 * MIB}-"


def test_hashing_what_earlier_calls_brought_may_take_a_call_of_its_own(
    run: Any, stack: Stack, source: SourceServer, time: Time
):
    source.size, time.ends_at = 12 * MIB, 6 * MIB
    assert run(source.url)["Bytes"] == 5 * MIB
    time.ends_at = 7 * MIB  # all that is left
    waiting = run(source.url)
    assert (waiting["Done"], waiting["Bytes"]) == (False, 12 * MIB)
    source.asked.clear()
    time.ends_at = 1
    assert stored(stack, run(source.url)) == sha256(12 * MIB)
    assert source.asked == []
    assert nothing_half_done(stack)


@pytest.mark.parametrize("calls", [1, 2])
def test_the_wrong_thing_is_not_kept(
    run: Any, stack: Stack, source: SourceServer, time: Time, calls: int
):
    source.size = 7 * MIB
    kept = run(source.url)
    source.etag, source.size = '"two"', 12 * MIB
    if calls == 2:
        time.ends_at = 6 * MIB
        assert not run(source.url, sha256="0" * 64)["Done"]
        time.ends_at = 13 * MIB
    with pytest.raises(HashMismatchError, match=f"{sha256(12 * MIB)}, not 0000"):
        run(source.url, sha256="0" * 64)
    assert stored(stack, kept) == sha256(7 * MIB)  # what was there before is there
    assert nothing_half_done(stack)


@pytest.mark.parametrize("length", [True, False])
def test_too_much_is_refused(run: Any, stack: Stack, source: SourceServer, length: bool):
    source.size, source.length = 7 * MIB, length
    with pytest.raises(TooLargeError, match=r"over the limit of 6,291,456 bytes"):
        run(source.url, max_bytes=6 * MIB)
    assert nothing_half_done(stack)


def test_a_source_that_is_too_slow_ends_in_words(run: Any, source: SourceServer, time: Time):
    source.size, time.ends_at = 12 * MIB, 1
    answers = []
    with pytest.raises(SourceError, match=r"less than 5 MiB in a call"):
        for _ in range(6):
            answers.append(run(source.url))
    assert [one["Done"] for one in answers] == [False, False]


def test_without_a_mark_a_second_call_would_begin_anew_for_ever(
    run: Any, stack: Stack, source: SourceServer, time: Time
):
    source.size, source.etag, time.ends_at = 12 * MIB, "", 6 * MIB
    with pytest.raises(SourceError, match="neither ETag nor Last-Modified"):
        run(source.url)
    assert nothing_half_done(stack)


def test_gzip_stays_gzip_and_types_stay(run: Any, stack: Stack, source: SourceServer):
    source.headers = {"Content-Encoding": "gzip", "Content-Type": "text/csv"}
    answer = run(source.url)
    key = answer["Uri"].partition(f"{stack.names.bucket}/")[2]
    head = stack.client("s3").head_object(Bucket=stack.names.bucket, Key=key)
    assert (head["ContentEncoding"], head["ContentType"]) == ("gzip", "text/csv")
    assert stored(stack, answer) == sha256(1000)
    assert source.asked[0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("status", "said"), [(404, "Look at Source"), (403, "presigned"), (418, "")]
)
def test_refusals_are_told(run: Any, source: SourceServer, status: int, said: str):
    source.statuses = [status]
    with pytest.raises(SourceError, match=f"answers HTTP {status}.*{said}"):
        run(source.url + "?X-Amz-Signature=secret")
    source.statuses = [status]
    with pytest.raises(SourceError) as error:
        run(source.url + "?X-Amz-Signature=secret")
    assert "secret" not in str(error.value)


def test_redirects_are_followed_so_far(run: Any, source: SourceServer):
    with SourceServer() as other:
        source.redirect = other.url
        assert run(source.url)["Bytes"] == 1000
        source.redirect = source.url
        with pytest.raises(SourceError, match="leads on more than 5 times"):
            run(source.url)


def test_a_redirect_cannot_lead_inside(source: SourceServer):
    """The second address is looked at like the first."""
    source.redirect = "http://169.254.169.254/latest/meta-data/"
    web = Web(source.url, LOOPBACK)
    with pytest.raises(SourceError, match=r"169\.254\.169\.254 is no public address"):
        web.open(0, "", "", 1.0)
    web.close()
    source.redirect = "file:///etc/passwd"
    with pytest.raises(UsageError, match="Write https"):
        web.open(0, "", "", 1.0)
    web.close()


def test_a_name_is_looked_up_once(source: SourceServer):
    """Else a name server could name a public address first and an inner one then."""
    asked = []

    def look_up(host: str, port: int) -> list[Any]:
        asked.append(host)
        return socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)

    web = Web(source.url.replace("127.0.0.1", "data.example"), LOOPBACK, look_up=look_up)
    opened = web.open(0, "", "", 5.0)
    assert opened.read(10) == b"".join(content(0, 10))
    assert asked == ["data.example"]
    assert source.asked[0]["Host"].startswith("data.example:")
    web.close()


def test_https_checks_the_name(source: SourceServer):
    web = Web(source.url.replace("http:", "https:"), LOOPBACK, tls=ssl.create_default_context())
    with pytest.raises(Exception, match=r"(?i)ssl|tls|wrong version"):
        web.open(0, "", "", 2.0)
    web.close()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "169.254.170.2",
        "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "::1", "fe80::1", "fd00:ec2::254",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
        "::", "ff02::1", "64:ff9b:1::a9fe:a9fe", "::a9fe:a9fe", "::ffff:0:a9fe:a9fe", "fec0::1",
    ],
)  # fmt: skip
def test_inner_addresses_are_not_reached(address: str):
    assert not reachable(ip_address(address), "")
    assert not reachable(ip_address(address), "203.0.113.0/24")
    network = f"{address}/{32 if '.' in address and ':' not in address else 128}"
    if ":" not in address:
        assert reachable(ip_address(address), f"198.51.100.0/24, {network}")
    found = [(0, 0, 0, "", ("93.184.216.34", 80)), (0, 0, 0, "", (address, 80))]
    with pytest.raises(SourceError, match="no public address"):
        checked("one.example", 80, "", lambda host, port: found)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8"])
def test_public_addresses_are_reached(address: str):
    assert reachable(ip_address(address), "")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/b", "file:///etc/passwd", "//a/b", "http://", "http:///x", "http://a:0/", "data",
        "http://a:99999/", "http://[::1/", "http://a b/", "http://a/\r\nX: y", "gopher://a/", "",
    ],
)  # fmt: skip
def test_what_is_no_url_is_refused(url: str):
    with pytest.raises(UsageError, match=r"Write https://"):
        parsed(url)


def test_passwords_in_urls_are_refused_and_not_repeated():
    with pytest.raises(UsageError, match="presigned") as error:
        parsed("https://me:hunter2@example.com/x")
    assert "hunter2" not in str(error.value)
    assert plain("https://me:pw@example.com/x?key=1#2") == "example.com/x"


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_refused(text: str):
    for url in (text, f"http://{text}", f"https://example.com/{text}"):
        try:
            parts = parsed(url)
        except UsageError:
            continue
        line = path_of(parts)
        assert line.startswith("/") and line.isascii() and not set(line) & set(" \r\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"sha256": "abc"}, "64 hex digits"),
        ({"target": "s3://bucket"}, r"Write s3://bucket/key"),
        ({"target": "/tmp/x"}, r"s3://bucket/"),
    ],
)
def test_wrong_words_are_told_before_anything_is_asked(
    run: Any, source: SourceServer, words: dict[str, str], said: str
):
    with pytest.raises(UsageError, match=said):
        run(source.url, **words)
    assert source.asked == []


def test_an_object_of_s3_comes_over_too(run: Any, stack: Stack):
    data = b"".join(content(0, 7 * MIB))
    uri = stack.put("incoming/from.bin", data)
    answer = run(uri)
    assert stored(stack, answer) == hashlib.sha256(data).hexdigest()
    assert not run(uri)["Changed"]
    stack.put("incoming/from.bin", b"new")
    assert run(uri)["Bytes"] == 3
    with pytest.raises(SourceError, match=r"NoSuchKey.*SourceArns"):
        run(uri + ".not")


def test_two_calls_at_once_do_not_disturb_each_other(run: Any, stack: Stack, source: SourceServer):
    """The upload that another call ended and tidied away is no failure: all is there."""
    source.size = 7 * MIB
    s3, real = stack.client("s3"), stack.client("s3").complete_multipart_upload

    class Twice:
        def __getattr__(self, name: str) -> Any:
            return getattr(s3, name)

        def complete_multipart_upload(self, **words: Any) -> Any:
            real(**words)
            raise ClientError({"Error": {"Code": "NoSuchUpload"}}, "CompleteMultipartUpload")

    here = {"BUCKET": stack.names.bucket, "ALLOWED_NETWORKS": LOOPBACK}
    ingest = Ingest(Twice(), here, lambda: 900.0, sleep=lambda seconds: None, part=5 * MIB)
    answer = ingest.run(IngestData(source=source.url, target=f"s3://{here['BUCKET']}/data/twice"))
    assert stored(stack, answer) == sha256(7 * MIB)


def test_in_lambda_itself(stack: Stack, source: SourceServer):
    source.size, source.cuts = 40 * MIB, [17 * MIB]
    event = {"Source": source.url, "Sha256": sha256(40 * MIB)}
    first = stack.invoke("ingest-data", event)
    assert first == {
        "Done": True, "Changed": True, "Uri": f"s3://{stack.names.bucket}/data/data.bin",
        "Bytes": 40 * MIB, "Total": 40 * MIB, "Sha256": sha256(40 * MIB),
    }  # fmt: skip
    assert stack.invoke("ingest-data", event) == {**first, "Changed": False}
    uploaded = {
        "source": "aws.s3", "detail-type": "Object Created",
        "detail": {"bucket": {"name": stack.names.bucket}, "object": {"key": "incoming/e.csv"}},
    }  # fmt: skip
    stack.put("incoming/e.csv", b"1,2\n")
    assert stack.invoke("ingest-data", uploaded)["Uri"].endswith("/data/e.csv")
    with pytest.raises(FunctionError, match=r"UsageError: The event has 'Sorce'.*mean Source"):
        stack.invoke("ingest-data", {"Sorce": "x"})
    with pytest.raises(FunctionError, match=r"SourceError: 10\.0\.0\.1 is no public address"):
        stack.invoke("ingest-data", {"Source": "http://10.0.0.1/x"})


def test_memory_stays_what_it_was(stack: Stack, source: SourceServer):
    """The same function, the same process: 192 MiB take no more than 48 do."""
    peaks = []
    for size in (48 * MIB, 192 * MIB):
        source.size, source.etag = size, f'"{size}"'
        answer = stack.client("lambda").invoke(
            FunctionName=stack.names.function("ingest-data"), LogType="Tail",
            Payload=json.dumps({"Source": source.url, "Sha256": sha256(size)}).encode(),
        )  # fmt: skip
        assert json.loads(answer["Payload"].read())["Bytes"] == size
        peaks.append(peak_of(answer["LogResult"]))
    assert peaks[1] <= peaks[0] + 32, peaks
    assert peaks[1] < 200, peaks


def peak_of(log: str) -> int:
    import base64
    import re

    found = re.search(r"Max Memory Used: (\d+) MB", base64.b64decode(log).decode())
    assert found
    return int(found[1])


def test_errors_are_byoas():
    for kind in (SourceError, HashMismatchError, TooLargeError, TryAgainError):
        assert issubclass(kind, ByoaError)


def test_headers_that_s3_would_not_take_are_none():
    """Else all of a file would come, and then could not be kept."""
    said = Message()
    said["Content-Type"] = 'text/csv; name="\xe9.csv"'
    said["Last-Modified"] = "19 f\xe9vrier 2026"
    assert (word(said, "Content-Type", 200), mark_of(said)) == ("", "")
    said["ETag"] = 'W/"weak"'
    assert mark_of(said) == ""
    del said["ETag"], said["Last-Modified"]
    said["ETag"] = '"1"'
    assert mark_of(said) == '"1"'
