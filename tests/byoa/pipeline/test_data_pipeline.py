"""Links, downloads and shell clients in a pipeline.yaml, built for real."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from byoa.pipeline.build import Options, build
from byoa.pipeline.load import load
from byoa.pipeline.state import State
from tests.byoa.s3_server import BUCKET, s3, s3_address, write_files

__all__ = ["s3", "s3_address"]
STEPS = """
from pathlib import Path

def copy(product, upstream):
    Path(product).write_text(Path(upstream.first).read_text().upper())
"""


def project(root: Path, tasks: str, **more: str) -> Path:
    contents = {"pipeline.yaml": tasks, "steps.py": STEPS, **more}
    return write_files(root, {name: text.encode() for name, text in contents.items()})


def run(root: Path) -> dict[str, str]:
    """Builds; what became of each task, of a failure its text."""
    result = build(load(root / "pipeline.yaml"), options=Options(jobs=2))
    return {
        one.task: one.failure.text if one.failure else one.outcome
        for one in result.outcomes.values()
    }


LINK = """
meta: {extract_upstream: false}
tasks:
  - {class: KIND, name: raw, product: data/raw.txt}
  - {source: steps.copy, product: out/copy.txt, upstream: raw}
"""


@pytest.mark.parametrize("kind", ["Link", "Input"])
def test_what_is_there_already_is_followed_by_its_bytes(tmp_path, kind):
    root = project(tmp_path, LINK.replace("KIND", kind))
    first = run(root)
    assert "stands for" in first["raw"]
    assert "which is not there" in first["raw"]
    write_files(root, {"data/raw.txt": b"a"})
    assert run(root) == {"raw": "done", "copy": "done"}
    assert (root / "out/copy.txt").read_text() == "A"
    assert run(root) == {"raw": "kept", "copy": "kept"}
    (root / "data/raw.txt").write_bytes(b"b")
    plan = State(load(root / "pipeline.yaml")).plan()
    assert plan["copy"].action == "run", plan
    assert run(root)["copy"] == "done"
    assert (root / "out/copy.txt").read_text() == "B"
    assert (root / "data/raw.txt").read_bytes() == b"b", "it was neither moved nor replaced"


class Flaky(BaseHTTPRequestHandler):
    """Every other answer is 503."""

    asked = 0

    def do_GET(self):
        type(self).asked += 1
        body = b"some text"
        self.send_response(503 if type(self).asked % 2 else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_download_that_is_tried_again(tmp_path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Flaky) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        tasks = f"""
tasks:
  - class: DownloadFromURL
    source: http://127.0.0.1:{server.server_port}/raw
    name: raw
    product: data/raw.txt
    max_mb: 1
    retries: 2
    retry_on: [HTTPError]
  - {{source: steps.copy, product: out/copy.txt}}
"""
        root = project(tmp_path, tasks)
        steps = STEPS.replace("upstream.first", 'upstream["raw"]')
        (root / "steps.py").write_text(steps)
        try:
            assert run(root) == {"raw": "done", "copy": "done"}
            assert run(root) == {"raw": "kept", "copy": "kept"}
        finally:
            server.shutdown()
            thread.join()
    assert Flaky.asked == 2
    assert (root / "out/copy.txt").read_text() == "SOME TEXT"


def test_a_shell_of_the_users_own(tmp_path):
    tasks = """
clients: {ShellScript: clients.shell}
tasks:
  - {source: make.sh, name: made, product: out/made.txt}
"""
    shell = """
from ploomber.clients import ShellClient

def shell():
    return ShellClient(run_template="bash -eu {{path_to_code}}")
"""
    root = project(
        tmp_path, tasks, **{"make.sh": "echo $UNKNOWN > {{product}}", "clients.py": shell}
    )
    assert "exit code 1" in run(root)["made"]
    (root / "make.sh").write_text("echo known > {{product}}")
    assert run(root) == {"made": "done"}
    assert (root / "out/made.txt").read_text() == "known\n"


def test_a_file_that_is_uploaded_when_it_changed(tmp_path, s3, s3_address):
    tasks = f"""
meta: {{extract_upstream: false}}
tasks:
  - {{class: Link, name: raw, product: data/raw.txt}}
  - {{source: steps.copy, product: out/copy.txt, upstream: raw}}
  - class: UploadToS3
    source: out/copy.txt
    name: send
    product: results/copy.txt
    upstream: copy
    bucket: {BUCKET}
    client_kwargs:
      endpoint_url: {s3_address}
      region_name: us-east-1
      aws_access_key_id: key
      aws_secret_access_key: secret
"""
    root = project(tmp_path, tasks)
    write_files(root, {"data/raw.txt": b"a"})
    assert run(root)["send"] == "done"
    assert run(root)["send"] == "kept"
    (root / "data/raw.txt").write_bytes(b"b")
    assert run(root)["send"] == "done"
    assert s3.get_object(Bucket=BUCKET, Key="results/copy.txt")["Body"].read() == b"B"
