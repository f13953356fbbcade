"""Where a project's things lie in S3, below `base` (s3://bucket[/prefix] or file:///folder).

    PROJECT/TASK/{input/CHANNEL,state,runs}/…    PROJECT/TASK/JOB/{source,output}/…

Every address of a folder ends in "/", so that `proj/` never means `proj2/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from byoa.plan.errors import UsageError
from byoa.plan.names import checked


@dataclass(frozen=True)
class ProjectPlace:
    """The addresses of one project."""

    base: str
    project: str

    @property
    def uri(self) -> str:
        return f"{self.base.rstrip('/')}/{checked(self.project, 'project')}/"

    def task(self, name: str) -> TaskPlace:
        return TaskPlace(self.uri, checked(name, "task"))


@dataclass(frozen=True)
class TaskPlace:
    """The addresses of one task."""

    project_uri: str
    name: str

    @property
    def uri(self) -> str:
        return f"{self.project_uri}{self.name}/"

    @property
    def output(self) -> str:
        """OutputDataConfig.S3OutputPath: SageMaker itself appends JOB/output/."""
        return self.uri.rstrip("/")

    @property
    def state(self) -> str:
        return f"{self.uri}state/"

    @property
    def runs(self) -> str:
        return f"{self.uri}runs/"

    def run(self, number: int) -> str:
        return f"{self.runs}{number:06}.json"

    def input(self, channel: str) -> str:
        return f"{self.uri}input/{channel}/"

    def source(self, job: str) -> str:
        return f"{self.uri}{job}/source/"

    def model(self, job: str) -> str:
        return f"{self.uri}{job}/output/model.tar.gz"

    def result(self, job: str) -> str:
        return f"{self.uri}{job}/output/output.tar.gz"

    def output_of(self, job: str) -> str:
        return f"{self.uri}{job}/output/"


def bucket_and_key(uri: str) -> tuple[str, str]:
    """The two halves of s3://bucket/key."""
    parts = urlsplit(uri, allow_fragments=False)
    if parts.scheme != "s3" or not parts.netloc:
        raise UsageError(f"{uri!r} is no address in S3 - write s3://bucket/folder/")
    return parts.netloc, uri[len(f"s3://{parts.netloc}") :].removeprefix("/")
