"""build_image: the same content is built once, whoever asks and however often."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from byoa.plan.errors import NotFoundError, UsageError
from byoa.sandbox.state import State
from infrastructure.lambdas.build_image.codecommit import pushed_files
from tests.byoa.sandbox.registry_client import Registry
from tests.infrastructure.conftest import FunctionError, Stack

DOCKERFILE = "FROM debian:bookworm-slim\n"


def buildspec(*commands: str) -> str:
    return json.dumps({"version": 0.2, "phases": {"build": {"commands": list(commands)}}})


def zipped(**files: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def ended(stack: Stack, build: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while True:
        (found,) = stack.client("codebuild").batch_get_builds(ids=[build])["builds"]
        if found["buildComplete"]:
            return dict(found)
        assert time.monotonic() < until
        time.sleep(0.2)


def test_what_a_state_machine_is_to_build(stack: Stack):
    """Nothing is started, all that startBuild needs is told; content decides, not the archive."""
    event = {"Files": {"Dockerfile": DOCKERFILE, "train.py": "print(1)\n"}, "Start": False}
    told = stack.invoke("build-image", event)
    assert (told["Status"], told["NeedsBuild"], told["Done"]) == ("ToBuild", True, True)
    assert told["Image"].startswith(stack.outputs["Repository"] + ":")
    assert told["Project"] == stack.names.build_project
    bucket, _, key = told["SourceLocation"].partition("/")
    with zipfile.ZipFile(io.BytesIO(stack.get(key))) as archive:
        assert set(archive.namelist()) == {"Dockerfile", "train.py", "buildspec.yml"}
        assert b"docker push" in archive.read("buildspec.yml")
    variables = {one["Name"]: one["Value"] for one in told["Environment"]}
    assert f"{variables['REPOSITORY']}:{variables['TAG']}" == told["Image"]
    assert bucket == stack.names.bucket
    assert variables["CONTEXT"].startswith(variables["TAG"])
    assert stack.invoke("build-image", event) == told
    assert (
        stack.client("codebuild").list_builds_for_project(projectName=told["Project"])["ids"] == []
    )

    packed = stack.put("incoming/context.zip", zipped(**event["Files"]))  # type: ignore[arg-type]
    assert stack.invoke("build-image", {"Context": packed, "Start": False}) == told
    inside = {f"repo-main/{name}": text for name, text in event["Files"].items()}  # type: ignore[attr-defined]
    stack.put("incoming/context.zip", zipped(**inside, **{"repo-main/.env": "SECRET=1"}))
    assert stack.invoke("build-image", {"Context": packed, "Start": False}) == told
    other = {**event, "Variables": {"EPOCHS": "3"}}
    assert stack.invoke("build-image", other)["Image"] != told["Image"]


def test_an_upload_is_a_context_by_itself(stack: Stack):
    stack.put(
        "incoming/new.zip", zipped(Dockerfile=DOCKERFILE, **{"buildspec.yml": buildspec("true")})
    )
    event = {
        "source": "aws.s3", "detail-type": "Object Created",
        "detail": {"bucket": {"name": stack.names.bucket}, "object": {"key": "incoming/new.zip"}},
    }  # fmt: skip
    answer = stack.invoke("build-image", event)
    assert (answer["Status"], answer["Done"]) == ("Building", False)
    assert ended(stack, answer["BuildId"])["buildStatus"] == "SUCCEEDED"


def test_two_that_ask_at_once_have_one_build(stack: Stack):
    files = {"Dockerfile": DOCKERFILE, "buildspec.yml": buildspec("sleep 2")}
    first = stack.invoke("build-image", {"Files": files})
    second = stack.invoke("build-image", {"Files": files})
    assert first["Status"] == second["Status"] == "Building"
    assert first["BuildId"] == second["BuildId"]
    waited = stack.invoke("build-image", {"Files": files, "Wait": True})
    assert (waited["Status"], waited["Built"], waited["Done"]) == ("Built", True, True)
    assert waited["BuildId"] == first["BuildId"]


def test_a_build_that_fails_says_in_which_phase(stack: Stack):
    files = {"Dockerfile": DOCKERFILE, "buildspec.yml": buildspec("echo no; exit 3")}
    with pytest.raises(
        FunctionError, match=r"^JobFailedError: The build .* is FAILED in its phase"
    ) as e:
        stack.invoke("build-image", {"Files": files, "Wait": True})
    assert "BUILD" in e.value.text and "exit status 3" in e.value.text
    assert f"/aws/codebuild/{stack.names.build_project}" in e.value.text


def test_what_is_in_the_registry_is_not_built_again(stack: Stack, sandbox: State):
    files = {"Dockerfile": DOCKERFILE, "train.py": "print(2)\n"}
    told = stack.invoke("build-image", {"Files": files, "Start": False})
    repository, _, tag = told["Image"].partition("/")[2].partition(":")
    digest = Registry(sandbox).push(repository, tag)
    answer = stack.invoke("build-image", {"Files": files, "Tag": "release"})
    assert answer == {**told, "Status": "UpToDate", "NeedsBuild": False}
    assert stack.invoke("build-image", {"Files": files, "Tag": "release"}) == answer
    (image,) = stack.client("ecr").describe_images(
        repositoryName=repository, imageIds=[{"imageTag": "release"}]
    )["imageDetails"]
    assert image["imageDigest"] == digest
    assert sorted(image["imageTags"]) == sorted([tag, "release"])
    assert stack.invoke("build-image", {"Files": files, "Start": False, "Force": True})[
        "NeedsBuild"
    ]


def test_a_repository_below_the_projects_is_made(stack: Stack):
    name = f"{stack.names.repository}/small"
    event = {"Files": {"Dockerfile": DOCKERFILE}, "Repository": name, "Start": False}
    assert f"/{name}:" in stack.invoke("build-image", event)["Image"]
    (made,) = stack.client("ecr").describe_repositories(repositoryNames=[name])["repositories"]
    tags = stack.client("ecr").list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"]
    assert {"Key": "byoa:project", "Value": "cells"} in tags
    stack.client("ecr").delete_repository(repositoryName=name)


def test_the_build_project_is_made_where_it_is_missing(stack: Stack):
    codebuild = stack.client("codebuild")
    codebuild.delete_project(name=stack.names.build_project)
    event = {"Files": {"Dockerfile": DOCKERFILE}, "Start": False}
    stack.invoke("build-image", event)
    (made,) = codebuild.batch_get_projects(names=[stack.names.build_project])["projects"]
    assert made["serviceRole"] == stack.names.role_arn("build")
    assert made["environment"]["privilegedMode"] is True


def test_build_and_push_sh_is_told_its_image(stack: Stack):
    files = {"build_and_push.sh": "echo", "Dockerfile": DOCKERFILE}
    told = stack.invoke(
        "build-image", {"Files": files, "Variables": {"ALGORITHM": "x"}, "Start": False}
    )
    variables = {one["Name"]: one["Value"] for one in told["Environment"]}
    assert variables["IMAGE"] == told["Image"].partition("/")[2]
    assert (variables["ALGORITHM"], variables["ARGUMENTS"]) == ("x", "")
    _, _, key = told["SourceLocation"].partition("/")
    with zipfile.ZipFile(io.BytesIO(stack.get(key))) as archive:
        assert b"bash build_and_push.sh" in archive.read("buildspec.yml")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({}, "Give either Context"),
        ({"Context": "s3://b/k", "Files": {"Dockerfile": "x"}}, "Give either Context"),
        ({"Files": {"train.py": "x"}}, r"no Dockerfile at its top: there is train\.py"),
        ({"Files": {"../Dockerfile": "x"}}, "lies outside of it"),
        ({"Files": {"Dockerfile": "x"}, "Repository": "other"}, r"may push to byoa-cells and"),
        ({"Files": {"Dockerfile": "x"}, "Tag": "a b"}, r"Tag is 'a b'"),
        ({"Files": {"Dockerfile": "x"}, "Variables": {"A": "$(rm)"}}, r"--build-arg A="),
        (
            {"Context": "s3://byoa-cells-123456789012-us-east-1/not.zip"},
            "NotFoundError: There is no",
        ),
        ({"Context": "s3://byoa-cells-123456789012-us-east-1"}, r"Write s3://bucket/key"),
        ({"Context": "codecommit://a b"}, r"Write codecommit://"),
        ({"Contxt": "x"}, r"Did you mean Context\?"),
        ([1], r"should be an object"),
    ],
)
def test_mistakes_are_told(stack: Stack, event: Any, said: str):
    with pytest.raises(FunctionError, match=said):
        stack.invoke("build-image", event)


def test_what_is_no_zip_is_told(stack: Stack):
    with pytest.raises(FunctionError, match="is no whole zip"):
        stack.invoke("build-image", {"Context": stack.put("incoming/bad.zip", b"PK nothing")})


@pytest.fixture
def codecommit() -> Any:
    return boto3.client(
        "codecommit", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


def test_a_commit_is_read_file_by_file(codecommit: Any):
    where = {"repositoryName": "cells", "commitSpecifier": "0af1"}

    def file(path: str, mode: str = "NORMAL") -> dict[str, str]:
        return {
            "blobId": f"blob-{path}",
            "absolutePath": path,
            "relativePath": path,
            "fileMode": mode,
        }

    root = {
        "commitId": "0af1", "folderPath": "",
        "files": [file("Dockerfile"), file("run.sh", "EXECUTABLE")],
        "subFolders": [{"treeId": "1", "absolutePath": "src", "relativePath": "src"}],
    }  # fmt: skip
    with Stubber(codecommit) as stub:
        stub.add_response("get_folder", root, {**where, "folderPath": "/"})
        for path in ("Dockerfile", "run.sh"):
            asked = {"repositoryName": "cells", "blobId": f"blob-{path}"}
            stub.add_response("get_blob", {"content": path.encode()}, asked)
        inner = {"commitId": "0af1", "folderPath": "src", "files": [file("src/a.py")]}
        stub.add_response("get_folder", inner, {**where, "folderPath": "src"})
        stub.add_response("get_blob", {"content": b"a"})
        files = pushed_files(codecommit, "codecommit://cells@0af1")
        stub.assert_no_pending_responses()
    assert files == {
        "Dockerfile": (b"Dockerfile", False), "run.sh": (b"run.sh", True), "src/a.py": (b"a", False)
    }  # fmt: skip


def test_a_commit_that_is_not_there_is_told(codecommit: Any):
    with Stubber(codecommit) as stub:
        stub.add_client_error("get_folder", "CommitDoesNotExistException")
        with pytest.raises(NotFoundError, match="Look at repository and commit"):
            pushed_files(codecommit, "codecommit://cells@0af1")
    with pytest.raises(UsageError):
        pushed_files(codecommit, "codecommit://cells")
