"""Lines that jobs write become CloudWatch's, once each, whole, whenever somebody asks."""

from __future__ import annotations

from pathlib import Path

from moto.logs.models import LogsBackend

from byoa.local.logs import LogWriter
from byoa.sandbox.logs import Importer
from byoa.sandbox.sagemaker import root
from byoa.sandbox.state import State
from tests.byoa.sandbox.conftest import Clients, refused


def messages(backend: LogsBackend, group: str, stream: str) -> list[str]:
    return [event.message for event in backend.groups[group].streams[stream].events]


def test_lines_are_brought_once(tmp_path: Path):
    backend, importer, writer = LogsBackend("us-east-1", "1"), Importer(), LogWriter(tmp_path)
    folder = tmp_path / "logs"
    importer.bring(folder, backend)
    writer.append("/a/b", "job/algo-1", "één")
    importer.bring(folder, backend)
    importer.bring(folder, backend)
    writer.append("/a/b", "job/algo-1", "two")
    writer.append("/a/b", "job/algo-2", "other")
    importer.bring(folder, backend)
    assert messages(backend, "/a/b", "job/algo-1") == ["één", "two"]
    assert messages(backend, "/a/b", "job/algo-2") == ["other"]


def test_half_a_line_waits_for_its_end(tmp_path: Path):
    backend, importer, writer = LogsBackend("us-east-1", "1"), Importer(), LogWriter(tmp_path)
    writer.append("g", "s", "first")
    (path,) = (tmp_path / "logs").glob("*/*.jsonl")
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(b'[1795000000000, "sec')
        file.flush()
        importer.bring(tmp_path / "logs", backend)
        assert messages(backend, "g", "s") == ["first"]
        file.write(b'ond"]\n')
    importer.bring(tmp_path / "logs", backend)
    assert messages(backend, "g", "s") == ["first", "second"]
    assert len(path.read_bytes()) > len(whole)


def test_ten_thousand_lines_and_more(tmp_path: Path):
    backend, importer, writer = LogsBackend("us-east-1", "1"), Importer(), LogWriter(tmp_path)
    for number in range(10_500):
        writer.append("g", "s", str(number))
    importer.bring(tmp_path / "logs", backend)
    assert messages(backend, "g", "s") == [str(number) for number in range(10_500)]


def test_what_is_deleted_in_cloudwatch_stays_deleted(sandbox: State, client: Clients):
    logs, writer = client("logs"), LogWriter(root(sandbox, "us-east-1"))
    writer.append("/deleted", "stream", "gone")
    assert logs.get_log_events(logGroupName="/deleted", logStreamName="stream")["events"]
    logs.put_retention_policy(logGroupName="/deleted", retentionInDays=7)
    logs.delete_log_group(logGroupName="/deleted")
    code, _ = refused(logs.describe_log_streams, logGroupName="/deleted")
    assert code == "ResourceNotFoundException"
    writer.append("/deleted", "stream", "new")
    (event,) = logs.get_log_events(logGroupName="/deleted", logStreamName="stream")["events"]
    assert event["message"] == "new"
    code, text = refused(logs.get_log_events, logGroupName="/deleted", logStreamName="x")
    assert text == "The specified log stream does not exist."
