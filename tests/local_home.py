"""A home for byoa.local in a test: files, requests, waiting; nothing is left behind."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from byoa.local import Logs, SageMaker
from byoa.local.alive import WORK, is_alive
from byoa.local.job import ask_to_stop
from byoa.local.sweep import sweep

ROOT = Path(__file__).resolve().parents[1]
SMALL = f"process://{ROOT / 'tests' / 'small_algorithm'}"
ROLE = "arn:aws:iam::123456789012:role/test"
ENDED = {"Completed", "Failed", "Stopped"}


@dataclass
class Home:
    """`image` is what jobs run: a process:// address, or the name of a docker image."""

    root: Path
    image: str = SMALL
    sagemaker: SageMaker = field(init=False)
    logs: Logs = field(init=False)

    def __post_init__(self) -> None:
        self.sagemaker = SageMaker(self.root)
        self.logs = Logs(self.root)
        self.storage.mkdir(parents=True)

    @property
    def storage(self) -> Path:
        return self.root / "storage"

    def uri(self, name: str) -> str:
        return f"file://{self.storage}/{name}"

    def put(self, name: str, content: str | bytes) -> str:
        """Writes an object; its address."""
        path = self.storage / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.uri(name)

    def code(self, source: str, more: Mapping[str, bytes] | None = None) -> dict[str, str]:
        """The hyperparameters of script mode, with a script (and files) as the channel `code`."""
        archive = self.storage / "source" / "sourcedir.tar.gz"
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive, "w:gz") as tar:
            for file, content in {"script.py": source.encode(), **(more or {})}.items():
                member = tarfile.TarInfo(file)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return {
            "sagemaker_program": "script.py",
            "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz",
        }

    def channel(self, name: str, uri: str, mode: str = "File", **source: Any) -> dict[str, Any]:
        given = {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated"}
        return {
            "ChannelName": name,
            "InputMode": mode,
            "DataSource": {"S3DataSource": {"S3Uri": uri, **given, **source}},
        }

    def request(self, name: str = "job", **changed: Any) -> dict[str, Any]:
        """create_training_job's; AlgorithmSpecification, ResourceConfig, … are merged."""
        merged: dict[str, Any] = {
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": self.image, "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": self.uri("out")},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 100},
        }
        for key, value in changed.items():
            plain = key in {"HyperParameters", "Environment"} or not isinstance(value, dict)
            merged[key] = value if plain else {**merged.get(key, {}), **value}
        return merged

    def start(self, name: str = "job", **changed: Any) -> None:
        self.sagemaker.create_training_job(**self.request(name, **changed))

    def train(self, name: str = "job", **changed: Any) -> dict[str, Any]:
        """Runs a job to its end; what describe says of it."""
        self.start(name, **changed)
        return self.wait(name)

    def script(self, source: str, name: str = "job", **changed: Any) -> dict[str, Any]:
        """Runs a Python script as a job, in script mode."""
        self.start_script(source, name, **changed)
        return self.wait(name)

    def start_script(self, source: str, name: str = "job", **changed: Any) -> None:
        parameters = {**self.code(source), **changed.pop("HyperParameters", {})}
        channels = [self.channel("code", self.uri("source/")), *changed.pop("InputDataConfig", [])]
        self.start(name, HyperParameters=parameters, InputDataConfig=channels, **changed)

    def describe(self, name: str = "job") -> dict[str, Any]:
        return self.sagemaker.describe_training_job(TrainingJobName=name)

    def wait(self, name: str = "job", seconds: float = 120) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while (record := self.describe(name))["TrainingJobStatus"] not in ENDED:
            assert time.monotonic() < end, (record, self.log(name))
            time.sleep(0.05)
        return record

    def wait_for_log(self, words: str, name: str = "job", seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while words not in self.log(name):
            record = self.describe(name)
            assert time.monotonic() < end, (record, self.log(name))
            assert record["TrainingJobStatus"] not in ENDED, (record, self.log(name))
            time.sleep(0.05)

    def streams(self, name: str = "job", group: str = "TrainingJobs") -> list[str]:
        group = f"/aws/sagemaker/{group}"
        groups = [one["logGroupName"] for one in self.logs.describe_log_groups()["logGroups"]]
        if group not in groups:
            return []
        found = self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")
        return [one["logStreamName"] for one in found["logStreams"]]

    def log(self, name: str = "job", host: str = "", group: str = "TrainingJobs") -> str:
        """All lines of a job, host after host."""
        return "\n".join(
            event["message"]
            for stream in self.streams(name, group)
            if host in stream
            for event in self.logs.get_log_events(
                logGroupName=f"/aws/sagemaker/{group}", logStreamName=stream, startFromHead=True
            )["events"]
        )

    def unpacked(self, name: str = "job", archive: str = "model.tar.gz") -> dict[str, bytes]:
        """The files of a job's archive."""
        with tarfile.open(self.storage / "out" / name / "output" / archive) as tar:
            return {
                member.name: tar.extractfile(member).read()  # type: ignore[union-attr]
                for member in tar
                if member.isfile()
            }

    def statuses(self, name: str = "job") -> list[str]:
        return [one["Status"] for one in self.describe(name)["SecondaryStatusTransitions"]]

    def close(self) -> None:
        """Ends what a failed test left running."""
        folders = [path.parent for path in self.root.glob(f"jobs/*/*/{WORK}")]
        for folder in folders:
            if is_alive(folder):
                ask_to_stop(folder)
        end = time.monotonic() + 60
        while any(is_alive(folder) for folder in folders) and time.monotonic() < end:
            time.sleep(0.05)
        if not self.image.startswith("process:"):
            for folder in folders:
                sweep(folder)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home whose jobs are plain processes; a stop takes 3 s at most."""
    monkeypatch.setenv("BYOA_LOCAL_STOP_SECONDS", "3")
    made = Home(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def docker_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_image: str
) -> Iterator[Home]:
    """A home whose jobs are containers of the small image."""
    monkeypatch.setenv("BYOA_LOCAL_STOP_SECONDS", "3")
    made = Home(tmp_path / "home", small_image)
    yield made
    made.close()
