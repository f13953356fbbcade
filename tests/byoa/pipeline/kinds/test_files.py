"""Tasks that fetch, stand for and send files; the servers are real, and on this machine."""

from __future__ import annotations

import hashlib
import threading
import urllib.error
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from byoa.pipeline.worker import TaskError
from tests.byoa.pipeline.kinds.data_tasks import path_of, run, task
from tests.byoa.s3_server import BUCKET, s3, s3_address, write_files

__all__ = ["s3", "s3_address"]
BODY = b"x" * 3_000_000


class Files(BaseHTTPRequestHandler):
    """/file, /chunks (no length), /cut (less than it says), /moved, /to-a-file, anything: 404."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        kind = self.path.partition("?")[0]
        codes = {"/file": 200, "/chunks": 200, "/cut": 200, "/moved": 302, "/to-a-file": 302}
        self.send_response(codes.get(kind, 404))
        if codes.get(kind) == 302:
            self.send_header("Location", "/file" if kind == "/moved" else "file:///etc/hostname")
        if kind in {"/file", "/cut"}:
            self.send_header("Content-Length", str(len(BODY)))
        elif kind != "/chunks":
            self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        if kind in {"/file", "/chunks", "/cut"}:
            self.wfile.write(BODY[:1000] if kind == "/cut" else BODY)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()
        thread.join()


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("path", ["/file", "/chunks", "/moved"])
def test_a_download(server, root, path):
    assert path_of(run(root, task("download", server + path, "out/a.bin"))).read_bytes() == BODY


def test_placeholders_in_an_address(server, root):
    one = task("download", server + "/{{which}}", "a", params={"which": "file"})
    assert path_of(run(root, one)).stat().st_size == len(BODY)


@pytest.mark.parametrize("known", [True, False])
def test_a_known_sum(server, root, known):
    sha256 = hashlib.sha256(BODY if known else b"other").hexdigest().upper()
    one = task("download", server + "/file", "a", options={"sha256": sha256})
    if known:
        run(root, one)
    else:
        with pytest.raises(TaskError, match="is not what it was: its sha256 is"):
            run(root, one)
        assert not (root / "work/a").exists()


def test_what_is_cut_is_no_download(server, root):
    with pytest.raises(
        (ConnectionError, OSError), match=r"1000 bytes came of 3000000|IncompleteRead"
    ):
        run(root, task("download", server + "/cut", "a"))
    assert not (root / "work/a").exists()


@pytest.mark.parametrize("path", ["/file", "/chunks"])
def test_too_much(server, root, path):
    one = task("download", server + path, "a", options={"max_mb": 2})
    with pytest.raises(TaskError, match="has more than 2 MB"):
        run(root, one)
    run(root, task("download", server + path, "a", options={"max_mb": 3}))


def test_not_found_is_the_servers_word(server, root):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        run(root, task("download", server + "/absent", "a"))


def test_a_redirect_cannot_read_this_machine(server, root):
    with pytest.raises(urllib.error.HTTPError, match="not allowed"):
        run(root, task("download", server + "/to-a-file", "a"))


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://h/a", "a.csv", "http://", ""])
def test_other_addresses_are_refused(root, url):
    with pytest.raises(TaskError, match="downloads from http:// and https://"):
        run(root, task("download", url, "a"))


def test_what_is_secret_in_an_address_is_not_told(server, root, capsys):
    run(root, task("download", server + "/file?signature=s3cret", "a"))
    said = capsys.readouterr().out
    assert "/file?..." in said
    assert "s3cret" not in said
    with pytest.raises(TaskError) as error:
        run(root, task("download", "ftp://me:s3cret@h/a?s3cret", "a"))
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("most", [0, -1, "2", True])
def test_a_limit_that_cannot_be(server, root, most):
    with pytest.raises(TaskError, match="max_mb of it is"):
        run(root, task("download", server + "/file", "a", options={"max_mb": most}))


@pytest.mark.parametrize("kind", ["link", "input"])
def test_a_link_stands_for_what_is_there(root, kind):
    one = task(kind, "", "data/a.csv")
    with pytest.raises(TaskError, match=r"stands for .*data/a\.csv, which is not there"):
        run(root, one)


def test_a_file_into_a_bucket(root, s3, s3_address):
    write_files(root, {"out/a.csv": b"1"})
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    one = task(
        "upload",
        "",
        ["some/key.csv", "generic"],
        source={"path": "out/a.csv"},
        options={
            "bucket": BUCKET,
            "client_kwargs": {"endpoint_url": s3_address, "region_name": "us-east-1", **keys},
            "upload_file_kwargs": {"ContentType": "text/csv"},
        },
    )
    run(root, one)
    answer = s3.get_object(Bucket=BUCKET, Key="some/key.csv")
    assert (answer["Body"].read(), answer["ContentType"]) == (b"1", "text/csv")


@pytest.mark.parametrize(
    ("path", "options", "said"),
    [
        ("absent", {"bucket": "b"}, "there is no file"),
        ("a", {}, "has no bucket"),
        ("a", {"bucket": "b", "client_kwargs": 3}, "client_kwargs of it is 3"),
    ],
)
def test_what_cannot_be_sent(root, path, options, said):
    write_files(root, {"a": b"1"})
    one = task("upload", "", ["key", "generic"], source={"path": path}, options=options)
    with pytest.raises(TaskError, match=said):
        run(root, one)
