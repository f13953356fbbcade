"""What is S3's alone: calls counted, uploads resumed, keys that encrypt, connections that break."""

from __future__ import annotations

import base64
import os
import time
import zlib
from collections import Counter
from hashlib import md5
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from urllib3.response import HTTPResponse

from byoa.aws.download import MOST_BREAKS
from byoa.aws.storage import S3Storage
from byoa.plan.errors import ByoaError, ServiceError, UsageError
from tests.byoa.cutting import cutting
from tests.byoa.s3_server import (
    BUCKET,
    calls_of,
    files_of,
    s3,
    s3_address,
    s3_client,
    write_files,
)

__all__ = ["s3", "s3_address"]

BASE = f"s3://{BUCKET}/project"
DATA = f"{BASE}/task/input/data/"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYOA_HOME", str(tmp_path / "home"))


@pytest.fixture
def storage(s3: Any) -> S3Storage:
    return S3Storage(s3, BASE, part=4096)


def test_ten_thousand_unchanged_files_cost_ten_lists(s3: Any, tmp_path: Path):
    """S3's answers are made up, a thousand keys a page: a real first upload takes a minute."""
    names = [f"{n % 97}/{n}" for n in range(10_000)]
    folder = write_files(tmp_path / "data", {name: name.encode() for name in names})
    listed = [
        {"Key": key_of(name), "Size": len(name), "ETag": f'"{md5(name.encode()).hexdigest()}"'}
        for name in names
    ]

    asked: list[dict[str, Any]] = []

    def page(params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        asked.append(params)
        at = int(params["query_string"].get("continuation-token", 0))
        more = {"IsTruncated": at < 9000, "NextContinuationToken": str(at + 1000)}
        return AWSResponse("", 200, {}, None), {"Contents": listed[at : at + 1000], **more}

    calls = calls_of(s3)  # of all other operations: the first to answer is the last to be asked
    s3.meta.events.register("before-call.s3.ListObjectsV2", page)
    synced = S3Storage(s3, BASE).sync(folder, DATA)
    assert (synced.uploaded, len(synced.unchanged)) == ((), 10_000)
    assert (len(asked), calls) == (10, [])


def key_of(name: str) -> str:
    return f"project/task/input/data/{name}"


def test_pages_of_a_listing_are_followed(s3: Any, tmp_path: Path):
    """Small pages, so that few files make many."""
    s3.meta.events.register(
        "provide-client-params.s3.ListObjectsV2", lambda params, **_: {"MaxKeys": 2, **params}
    )
    storage = S3Storage(s3, BASE)
    folder = write_files(tmp_path / "data", {f"{n}": b"x" for n in range(7)})
    storage.sync(folder, DATA)
    calls = calls_of(s3)
    assert storage.sync(folder, DATA).uploaded == ()
    assert Counter(calls) == {"ListObjectsV2": 4}


def test_one_request_a_small_file(s3: Any, tmp_path: Path):
    calls = calls_of(s3)
    S3Storage(s3, BASE).sync(write_files(tmp_path / "data", {"a": b"1", "b": b""}), DATA)
    assert Counter(calls) == {"ListObjectsV2": 1, "PutObject": 2}


def test_what_the_aws_cli_uploaded_is_recognised(s3: Any, tmp_path: Path):
    """s3transfer is what the AWS CLI uploads with; 8 MiB is its threshold and its part."""
    from boto3.s3.transfer import TransferConfig

    sizes = {"small": 5, "edge": 8 << 20, "large": (17 << 20) + 3}
    folder = write_files(tmp_path / "data", {name: bytes(size) for name, size in sizes.items()})
    for name in sizes:
        s3.upload_file(
            str(folder / name), BUCKET, f"project/task/input/data/{name}", Config=TransferConfig()
        )
    assert S3Storage(s3, BASE).sync(folder, DATA).uploaded == ()


def begin(s3: Any, key: str, parts: dict[int, bytes]) -> str:
    """An upload that was cut off after these parts."""
    where = {"Bucket": BUCKET, "Key": key}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    for number, body in parts.items():
        s3.upload_part(**where, PartNumber=number, Body=body)
    return str(where["UploadId"])


def test_an_upload_that_was_cut_is_gone_on_with(s3: Any, storage: S3Storage, tmp_path: Path):
    content = os.urandom(5 * 4096 + 7)
    folder = write_files(tmp_path / "data", {"large": content, "other": b"1" * 4096})
    key = "project/task/input/data/large"
    old = begin(s3, key, {1: b"older"})
    begin(s3, key, {1: content[:4096], 2: b"not this" * 512, 3: content[8192:12288]})
    neighbour = begin(s3, key + "r", {1: b"not ours"})
    calls = calls_of(s3)
    seen: list[int] = []
    storage.sync(folder, DATA, progress=lambda done, *_: seen.append(done))
    # of six parts two were there; `other` is a part of its own
    assert Counter(calls) == {
        "ListObjectsV2": 1,
        "ListMultipartUploads": 1,
        "ListParts": 1,
        "AbortMultipartUpload": 1,
        "CreateMultipartUpload": 1,
        "UploadPart": 4 + 1,
        "CompleteMultipartUpload": 2,
    }
    assert storage.read(DATA + "large") == content
    assert seen[-1] == len(content) + 4096
    left = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    assert [one["UploadId"] for one in left] == [neighbour] != [old]


@pytest.mark.parametrize("cut", [True, False])
def test_two_drivers_at_the_same_large_file(s3: Any, storage: S3Storage, tmp_path: Path, cut: bool):
    """The other one ends the upload that both are at, whoever began it."""
    content = os.urandom(5 * 4096)
    folder = write_files(tmp_path / "data", {"large": content})
    if cut:
        begin(s3, "project/task/input/data/large", {1: content[:4096]})
    ended: list[str] = []

    def end_it(params: dict[str, Any], **_: Any) -> None:
        if not ended:
            ended.append(params["UploadId"])
            where = {key: params[key] for key in ("Bucket", "Key", "UploadId")}
            s3.abort_multipart_upload(**where)
        if params["UploadId"] in ended:  # moto breaks here; S3's words are these
            raise ServiceError("NoSuchUpload", "The specified upload does not exist.", "UploadPart")

    s3.meta.events.register("provide-client-params.s3.UploadPart", end_it)
    storage.sync(folder, DATA)
    assert ended and storage.read(DATA + "large") == content
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)


def test_a_cut_upload_leaves_its_parts_for_the_next_try(s3: Any, s3_address: str, tmp_path: Path):
    """The client dies between two parts: nothing of what S3 had taken is sent again."""
    content = os.urandom(10 * 4096)
    folder = write_files(tmp_path / "data", {"large": content})
    dying = s3_client(s3_address)
    sent: list[int] = []

    def die(params: dict[str, Any], **_: Any) -> None:
        if params["PartNumber"] > 4:
            raise KeyboardInterrupt
        sent.append(params["PartNumber"])

    dying.meta.events.register("provide-client-params.s3.UploadPart", die)
    with pytest.raises(KeyboardInterrupt):
        S3Storage(dying, BASE, part=4096, workers=1).sync(folder, DATA)
    assert sent == [1, 2, 3, 4]
    calls = calls_of(s3)
    S3Storage(s3, BASE, part=4096).sync(folder, DATA)
    assert Counter(calls)["UploadPart"] == 6
    assert (
        s3.get_object(Bucket=BUCKET, Key="project/task/input/data/large")["Body"].read() == content
    )


def slowed(client: Any, operation: str, first: str) -> list[str]:
    """Each request waits a little; that for `first` is refused at once. The keys asked for."""
    asked: list[str] = []

    def slow(params: dict[str, Any], **_: Any) -> None:
        asked.append(params["Key"])
        if params["Key"].endswith(first):
            raise PermissionError(first)
        time.sleep(0.05)

    for name in operation.split():
        client.meta.events.register(f"provide-client-params.s3.{name}", slow)
    return asked


def test_an_error_ends_an_upload_soon(s3: Any, tmp_path: Path):
    """Not after the hours that a large file would take which comes before it."""
    folder = write_files(tmp_path / "data", {"a-large": bytes(100 * 4096), "b": b"", "c": b""})
    asked = slowed(s3, "UploadPart PutObject", "/b")
    with pytest.raises(PermissionError):
        S3Storage(s3, BASE, part=4096, workers=2).sync(folder, DATA)
    assert len(asked) < 20


def test_an_error_ends_a_download_soon(s3: Any, tmp_path: Path):
    folder = write_files(tmp_path / "data", {"a-large": bytes(100 * 4096), "b": b"1", "c": b"1"})
    storage = S3Storage(s3, BASE, part=4096, workers=2)
    storage.sync(folder, DATA)
    asked = slowed(s3, "GetObject", "/b")
    with pytest.raises(PermissionError):
        storage.download(DATA, tmp_path / "back")
    assert len(asked) < 20
    assert files_of(tmp_path / "back").keys() <= {"c"}  # which may have been on its way


def test_a_file_that_changes_while_being_read(s3: Any, storage: S3Storage, tmp_path: Path):
    """The change happens after the folder was looked through: when S3 is first asked."""
    folder = write_files(
        tmp_path / "data", {"a": b"1", "grows": b"2", "goes": b"3", "large": bytes(9000)}
    )

    def change(**_: Any) -> None:
        (folder / "grows").write_bytes(b"22")
        (folder / "goes").unlink(missing_ok=True)
        (folder / "large").write_bytes(bytes(8999) + b"x")

    s3.meta.events.register("before-call.s3.ListObjectsV2", change)
    with pytest.raises(ByoaError, match="changed while being read") as caught:
        storage.sync(folder, DATA)
    assert {name: name in str(caught.value) for name in ("/a", "grows", "goes", "large")} == {
        "/a": False, "grows": True, "goes": True, "large": True
    }  # fmt: skip
    assert [one.name for one in storage.objects(DATA)] == ["a"]


def test_content_is_checked_where_it_arrives(s3: Any, storage: S3Storage, tmp_path: Path):
    """S3 refuses a body whose checksum is not the one that travels with it."""
    heard: list[str] = []
    for name in ("PutObject", "UploadPart"):
        s3.meta.events.register(
            f"before-send.s3.{name}",
            lambda request, **_: heard.append(request.headers["x-amz-checksum-crc32"].decode()),
        )
    storage.sync(write_files(tmp_path / "data", {"a": b"1", "large": bytes(4096)}), DATA)
    assert sorted(heard) == sorted(
        base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
        for data in (b"1", bytes(4096))
    )


def with_a_key(s3: Any) -> None:
    """The bucket encrypts with a key of KMS: ETags are no longer the MD5s of contents."""
    tags: dict[str, str] = {}

    def seen(key: str, etag: str) -> str:
        return tags.setdefault(key + etag, '"' + md5((key + etag).encode()).hexdigest() + '"')

    def put(params: dict[str, Any], context: Any, **_: Any) -> None:
        context["key"] = params["url_path"].removeprefix(f"/{BUCKET}").lstrip("/")

    def other(parsed: dict[str, Any], context: Any, **_: Any) -> None:
        if "ETag" in parsed:
            parsed["ETag"] = seen(context["key"], parsed["ETag"])
            parsed["ServerSideEncryption"] = "aws:kms"

    def listed(parsed: dict[str, Any], **_: Any) -> None:
        for one in parsed.get("Contents", ()):
            one["ETag"] = seen(one["Key"], one["ETag"])

    def got(parsed: dict[str, Any], **_: Any) -> None:
        parsed["ServerSideEncryption"] = "aws:kms"

    def unmatched(params: dict[str, Any], **_: Any) -> None:
        params["headers"].pop("If-Match", None)  # moto knows its own ETags only

    s3.meta.events.register("before-call.s3.PutObject", put)
    s3.meta.events.register("after-call.s3.PutObject", other)
    s3.meta.events.register("after-call.s3.ListObjectsV2", listed)
    s3.meta.events.register("before-call.s3.GetObject", unmatched)
    s3.meta.events.register("after-call.s3.GetObject", got)


def test_objects_under_a_key_of_kms_are_not_sent_again(s3: Any, tmp_path: Path):
    with_a_key(s3)
    storage = S3Storage(s3, BASE)
    folder = write_files(tmp_path / "data", {"a": b"1", "sub/b": b"22"})
    first = storage.sync(folder, DATA)
    assert first.uploaded == ("a", "sub/b")
    calls = calls_of(s3)
    second = storage.sync(folder, DATA)
    assert (second.uploaded, second.fingerprint) == ((), first.fingerprint)
    assert Counter(calls) == {"ListObjectsV2": 1, "GetObject": 1}
    (folder / "a").write_bytes(b"9")
    assert storage.sync(folder, DATA).uploaded == ("a",)
    assert storage.sync(folder, DATA).uploaded == ()


def test_what_is_remembered_of_kms_is_no_data(s3: Any, tmp_path: Path):
    with_a_key(s3)
    storage = S3Storage(s3, BASE)
    storage.sync(write_files(tmp_path / "data", {"a": b"1"}), DATA)
    assert [one.name for one in storage.objects(DATA)] == ["a"]
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert keys == ["project/task/input/.byoa-sync/data.json", "project/task/input/data/a"]
    assert not any(key.startswith("project/task/input/data") for key in keys[:1])
    storage.write(f"{BASE}/task/input/.byoa-sync/data.json", b"[no json")
    assert storage.sync(tmp_path / "data", DATA).uploaded == ("a",)  # unreadable: sent once more
    assert storage.sync(tmp_path / "data", DATA).uploaded == ()


def test_downloads_under_a_key_of_kms(s3: Any, tmp_path: Path):
    with_a_key(s3)
    storage = S3Storage(s3, BASE)
    storage.sync(write_files(tmp_path / "data", {"a": b"1"}), DATA)
    storage.download(DATA, tmp_path / "back")
    assert files_of(tmp_path / "back") == {"a": b"1"}


def test_a_download_goes_on_where_it_broke(s3: Any, s3_address: str, tmp_path: Path):
    content = {"large": os.urandom(3_000_000), "small": os.urandom(300_000)}
    write = S3Storage(s3, BASE, part=1 << 20)
    write.sync(write_files(tmp_path / "data", content), DATA)
    with cutting(s3_address) as cutter:
        cutter.after, cutter.cuts = 150_000, 5
        client = s3_client(cutter.address)
        calls = calls_of(client)
        S3Storage(client, BASE, part=1 << 20).download(DATA, tmp_path / "back")
        client.close()
    assert cutter.seen == 5
    assert files_of(tmp_path / "back") == content
    assert Counter(calls) == {"ListObjectsV2": 1, "GetObject": 4 + 5}


def test_a_download_whose_connection_keeps_breaking(s3: Any, s3_address: str, tmp_path: Path):
    S3Storage(s3, BASE).sync(write_files(tmp_path / "data", {"a": bytes(300_000)}), DATA)
    from byoa.aws.download import Downloader
    from byoa.aws.upload import Meter

    slept: list[float] = []
    with cutting(s3_address) as cutter:
        client = s3_client(cutter.address)
        stored = next(iter(S3Storage(client, BASE).objects(DATA)))
        client.close()
        cutter.after, cutter.cuts = 1, 99  # not even the head of an answer passes
        client = s3_client(cutter.address)
        fetch = Downloader(client, BUCKET, 2, 8 << 20, Meter(None, 1), slept.append)
        with pytest.raises(ByoaError, match="the connection broke 7 times in a row"):
            fetch.download({"project/task/input/data/a": (stored, tmp_path / "back/a")})
        client.close()
    last = slept[-MOST_BREAKS:]
    assert len(last) == MOST_BREAKS
    assert last == sorted(last)
    assert files_of(tmp_path / "back") == {}


def test_an_object_that_changes_while_it_arrives(s3: Any, s3_address: str, tmp_path: Path):
    """Two parts of two versions never make one file."""
    storage = S3Storage(s3_client(s3_address), BASE, part=4096, workers=1)
    storage.sync(write_files(tmp_path / "data", {"large": bytes(9000)}), DATA)
    turns: list[int] = []

    def change(**_: Any) -> None:
        turns.append(1)
        if len(turns) == 2:
            s3.put_object(
                Bucket=BUCKET, Key="project/task/input/data/large", Body=bytes(8999) + b"x"
            )

    storage.client.meta.events.register("before-call.s3.GetObject", change)
    with pytest.raises(ByoaError, match="changed while being downloaded"):
        storage.download(DATA, tmp_path / "back")
    assert files_of(tmp_path / "back") == {}


def test_content_that_arrives_damaged(s3: Any, tmp_path: Path):
    storage = S3Storage(s3, BASE)
    storage.sync(write_files(tmp_path / "data", {"a": b"1234"}), DATA)

    def damage(parsed: dict[str, Any], **_: Any) -> None:
        from botocore.response import StreamingBody

        parsed["Body"] = StreamingBody(BytesIO(b"1235"), 4)

    s3.meta.events.register("after-call.s3.GetObject", damage)
    with pytest.raises(ByoaError, match="arrived damaged"):
        storage.download(DATA, tmp_path / "back")
    assert files_of(tmp_path / "back") == {}


@pytest.mark.parametrize(
    "keys",
    [
        ["../outside"],
        ["sub/../../outside"],
        ["fine", "a//b"],
        ["./a"],
        ["/etc/passwd"],
        ["a", "a/b"],
        ["a/b/c", "a/b"],
    ],
)
def test_keys_that_cannot_be_files_end_a_download(s3: Any, tmp_path: Path, keys: list[str]):
    """Servers that tidy keys up are many: the listing says what S3 would say."""
    storage = S3Storage(s3, BASE)

    def list_them(parsed: dict[str, Any], **_: Any) -> None:
        keyed = [f"project/task/input/data/{key}" for key in keys]
        parsed["Contents"] = [{"Key": key, "Size": 1, "ETag": '"x"'} for key in keyed]

    s3.meta.events.register("after-call.s3.ListObjectsV2", list_them)
    with pytest.raises(ByoaError, match="nothing was downloaded"):
        storage.download(DATA, tmp_path / "a/b/back")
    assert files_of(tmp_path) == {}


def put_raw(s3: Any, key: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")


def test_folders_that_the_console_makes_are_no_files(s3: Any, tmp_path: Path):
    storage = S3Storage(s3, BASE)
    for key in ("", "a", "sub/"):
        put_raw(s3, f"project/task/input/data/{key}")
    storage.download(DATA, tmp_path / "back")
    assert files_of(tmp_path / "back") == {"a": b"x"}
    assert storage.sync(tmp_path / "back", DATA, delete=True).deleted == ()
    assert storage.delete(DATA) == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"not-utf8-\xff", "is not valid UTF-8"),
        (b"bell\x07", "holds a control character"),
        (b"/".join([b"d" * 250] * 5), "makes a key of 1278 bytes, S3 takes 1024"),
    ],
)
def test_names_that_s3_cannot_take(s3: Any, tmp_path: Path, name: bytes, said: str):
    folder = write_files(tmp_path / "data", {os.fsdecode(name): b"x", "fine": b"y"})
    calls = calls_of(s3)
    with pytest.raises(UsageError, match=said) as caught:
        S3Storage(s3, BASE).sync(folder, DATA)
    assert "fine" not in str(caught.value)
    str(caught.value).encode()  # can be printed
    assert calls == []


def test_a_line_break_in_a_name_is_escaped(s3: Any, tmp_path: Path):
    """moto's routes know no such key; what matters is what is sent."""
    sent: list[str] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        sent.append(request.url)
        raw = HTTPResponse(BytesIO(b""), status=200, preload_content=False)
        return AWSResponse(request.url, 200, {"ETag": '"x"'}, raw)

    s3.meta.events.register("before-send.s3.PutObject", answer)
    S3Storage(s3, BASE).sync(write_files(tmp_path / "data", {"two\nlines": b"x"}), DATA)
    assert sent[0].endswith("/data/two%0Alines")


def test_deleting_by_the_thousand(s3: Any):
    """S3 takes a thousand keys at once, and deletes what is not there without a word."""
    sent: list[int] = []

    def listed(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Contents"] = [{"Key": key_of(str(n))} for n in range(2500)]

    def count(params: dict[str, Any], **_: Any) -> None:
        sent.append(len(params["Delete"]["Objects"]))

    s3.meta.events.register("after-call.s3.ListObjectsV2", listed)
    s3.meta.events.register("provide-client-params.s3.DeleteObjects", count)
    assert S3Storage(s3, BASE).delete(DATA) == 2500
    assert sent == [1000, 1000, 500]


def test_what_s3_did_not_delete_is_an_error(s3: Any):
    storage = S3Storage(s3, BASE)
    storage.write(f"{BASE}/a", b"x")

    def refuse(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Errors"] = [
            {"Key": "project/a", "Code": "AccessDenied", "Message": "Access Denied"}
        ]

    s3.meta.events.register("after-call.s3.DeleteObjects", refuse)
    with pytest.raises(ByoaError, match=r"did not delete 1 of 1 .* project/a .*AccessDenied"):
        storage.delete(f"{BASE}/")


def test_a_whole_bucket_is_never_deleted_or_synced(s3: Any, tmp_path: Path):
    storage = S3Storage(s3, f"s3://{BUCKET}")
    for uri in (f"s3://{BUCKET}", f"s3://{BUCKET}/", f"s3://{BUCKET}//", "s3://"):
        with pytest.raises(UsageError):
            storage.delete(uri)
        with pytest.raises(UsageError):
            storage.sync(tmp_path, uri, delete=True)


def test_two_writers_at_the_same_moment_are_told_apart(s3: Any):
    """S3 may answer 409 to both: then whoever asks again is told."""
    storage = S3Storage(s3, BASE)
    answers = [{"Code": "ConditionalRequestConflict", "Message": ""}]

    def conflict(parsed: dict[str, Any], http_response: Any, **_: Any) -> None:
        if answers:
            http_response.status_code = 409
            parsed["Error"] = answers.pop()

    s3.meta.events.register("after-call.s3.PutObject", conflict)
    assert not storage.write(f"{BASE}/claim", b"x", only_new=True)  # the first was taken after all
    assert storage.read(f"{BASE}/claim") == b"x"
