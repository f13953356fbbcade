"""simple-sagemaker's defects S1 to S14: what went wrong there goes well here, one test each."""

from __future__ import annotations

import ast
import inspect
import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

import byoa as package
from byoa import place, project, task
from byoa.aws.role import ensure_role
from byoa.aws.session import Session
from byoa.aws.storage import S3Storage
from byoa.plan.errors import error_code
from byoa.plan.iam import Access, role_policy

from .conftest import Byoa

ROOT = Path(package.__file__).parent
SHELL = ("shell", "-p", "demo", "-t", "first", "--on", "process")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Session]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        session = Session("us-east-1")
        session.client("s3").create_bucket(Bucket="a-bucket")
        yield session


def test_s1_nothing_depends_on_the_sagemaker_sdk_whose_majors_break():
    imported = {
        name.split(".")[0]
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    }  # fmt: skip
    assert not imported & {"sagemaker", "sagemaker_core", "sagemaker_training"}
    assert "boto3" in imported, "the test sees imports"


def test_s2_logs_are_downloaded_after_a_run(byoa: Byoa):
    assert byoa(*SHELL, "--cmd_line", "echo hello", "-o", "out").code == 0
    assert "hello\n" in Path("out/logs/logs0").read_text()


@pytest.mark.parametrize(
    "change",
    [["--cmd_line", "echo b"], ["--lr", "2"], ["--ic", "2"], ["--it", "ml.c5.xlarge"],
     ["-i", "other"], ["--env", "A", "1"], ["-d", "more.py"], ["--image", "process:///tmp"]],
    ids=lambda words: words[0],
)  # fmt: skip
def test_s3_a_complete_task_runs_again_when_what_it_is_made_of_changes(
    byoa: Byoa, change: list[str]
):
    for name in ("data", "other"):
        Path(name).mkdir()
        Path(name, "file").write_text(name)
    Path("more.py").write_text("")
    asked = {"--cmd_line": ["echo a"], "--lr": ["1"], "-i": ["data"]}
    before = [word for flag, values in asked.items() for word in (flag, *values)]
    asked[change[0]] = change[1:]
    after = [word for flag, values in asked.items() for word in (flag, *values)]
    assert byoa(*SHELL, *before).code == 0
    assert byoa(*SHELL, *before, "--json").json["action"] == "skip"
    assert "changed since" in byoa(*SHELL, *after, "--json").json["why"]


def test_s4_a_large_unchanged_file_does_not_travel_again(s3: Session, tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "large").write_bytes(b"0123456789abcdef" * 1_310_720)  # 20 MB, in parts
    storage = S3Storage(s3.client("s3"), "s3://a-bucket")
    first = storage.sync(tmp_path / "data", "s3://a-bucket/demo/")
    second = storage.sync(tmp_path / "data", "s3://a-bucket/demo/")
    assert (first.uploaded, second.uploaded) == (("large",), ())
    assert second.unchanged == ("large",)


def test_s5_an_input_that_is_gone_here_is_gone_in_the_job(byoa: Byoa):
    Path("data").mkdir()
    for name in ("kept", "gone"):
        Path("data", name).write_text(name)
    command = (*SHELL, "-i", "data", "--cmd_line", "ls $SM_CHANNEL_DATA | xargs echo files:")
    assert "files: gone kept" in byoa(*command).err
    Path("data/gone").unlink()
    assert "files: kept" in byoa(*command).err


def test_s6_a_project_never_touches_another_whose_name_begins_alike(byoa: Byoa):
    for name in ("proj", "proj2"):
        words = ("-p", name, "-t", "t", "--on", "process")
        assert byoa("shell", *words, "--cmd_line", "echo x > $SSM_STATE/file").code == 0
    assert byoa("data", "-p", "proj", "-t", "t", "--cs", "--on", "process").out == "deleted:  1\n"
    assert byoa("data", "-p", "proj2", "-t", "t", "--cs", "--on", "process").out == "deleted:  1\n"


def test_s7_the_source_of_a_task_can_be_an_input(byoa: Byoa):
    assert byoa(*SHELL, "--cmd_line", "true").code == 0
    done = byoa("shell", "-p", "demo", "-t", "next", "--on", "process", "--iit", "code_of", "first",
                "source", "--cmd_line", "tar tzf $SM_CHANNEL_CODE_OF/sourcedir.tar.gz")  # fmt: skip
    assert done.code == 0, done.err
    assert "byoa_launch.json" in done.err


def test_s8_a_processing_input_lies_where_its_variable_says(byoa: Byoa):
    Path("persons.json").write_text("{}")
    Path("look.py").write_text("import os; print(os.listdir(os.environ['SM_CHANNEL_PERSONS']))")
    asked = ("process", "-p", "demo", "-t", "t", "--code", "look.py", "--on", "process", "--iis",
             "persons", "persons.json")  # fmt: skip
    done = byoa(*asked)
    assert "['persons.json']" in done.err
    request = byoa(*asked, "--dry-run").json["create_processing_job"]
    (path,) = [i["S3Input"]["LocalPath"] for i in request["ProcessingInputs"] if i["InputName"] == "persons"]  # noqa: E501  # fmt: skip
    assert request["Environment"]["SM_CHANNEL_PERSONS"] == path


def test_s9_every_input_keeps_its_own_distribution(byoa: Byoa):
    Path("data").mkdir()
    Path("data/file").write_text("1")
    made = byoa(
        *SHELL, "--cmd_line", "true", "-i", "data", "FullyReplicated", "--iis", "a", "data",
        "ShardedByS3Key", "--iis", "b", "data", "--dry-run",
    ).json  # fmt: skip
    channels = made["create_training_job"]["InputDataConfig"]
    found = {c["ChannelName"]: c["DataSource"]["S3DataSource"]["S3DataDistributionType"] for c in channels}  # noqa: E501  # fmt: skip
    assert found == {"data": "FullyReplicated", "a": "ShardedByS3Key", "b": "FullyReplicated",
                     "code": "FullyReplicated"}  # fmt: skip


def test_s10_no_default_is_shared_between_tasks():
    changeable = (list, dict, set)
    for module in (project, task, place):
        for _, function in inspect.getmembers(module, inspect.isfunction):
            for parameter in inspect.signature(function).parameters.values():
                assert not isinstance(parameter.default, changeable), (function, parameter)
    first, second = (task.Task(project="p", name="n") for _ in range(2))
    assert first.hyperparameters is not second.hyperparameters
    with pytest.raises(AttributeError):
        first.name = "other"  # type: ignore[misc]


def test_s11_a_role_is_made_only_when_iam_says_that_there_is_none(s3: Session):
    """Nor is any policy listed: the account may have thousands."""
    from botocore.stub import Stubber

    iam = s3.client("iam")
    policy = role_policy(Access(account="123456789012", region="us-east-1", write=["s3://b/p/"]))
    with Stubber(iam) as stub:
        stub.add_client_error("get_role", "AccessDenied")
        with pytest.raises(Exception, match="AccessDenied") as raised:
            ensure_role(s3, "byoa-demo", policy, {"byoa:project": "demo"})
        assert error_code(raised.value) == "AccessDenied"
        stub.assert_no_pending_responses()
    sources = "".join(path.read_text() for path in (ROOT / "aws").glob("*.py"))
    assert "list_policies" not in sources


def test_s12_an_archive_cannot_write_outside_of_the_folder(byoa: Byoa, home: Path):
    assert byoa(*SHELL, "--cmd_line", "echo m > $SM_MODEL_DIR/m").code == 0
    (model,) = home.rglob("model.tar.gz")
    with tarfile.open(model, "w:gz") as archive:
        member = tarfile.TarInfo("../../outside")
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    done = byoa("download", "-p", "demo", "-t", "first", "-o", "out", "--on", "process")
    assert done.code == 1
    assert not any(home.parent.rglob("outside"))


def test_s13_a_download_that_fails_is_no_success(byoa: Byoa, home: Path):
    assert byoa(*SHELL, "--cmd_line", "echo m > $SM_MODEL_DIR/m").code == 0
    (model,) = home.rglob("model.tar.gz")
    model.write_bytes(model.read_bytes()[:40])
    done = byoa("data", "-p", "demo", "-t", "first", "-o", "out", "--download_model", "--on", "process")  # noqa: E501  # fmt: skip
    assert done.code == 1
    assert "model.tar.gz" in done.err


def test_s14_a_cleaned_state_runs_a_complete_task_again(byoa: Byoa):
    command = (*SHELL, "--cmd_line", "ls $SSM_STATE | grep -c old; touch $SSM_STATE/old")
    assert byoa(*command).code == 0
    assert byoa(*command, "--json").json["action"] == "skip"
    again = byoa(*command, "--clean_state", "--json")
    assert (again.json["action"], again.json["why"]) == ("new", "its state was cleaned")
    assert "algo-1 | 0" in again.err


def test_all_fourteen_are_here():
    names = [name for name in vars(sys.modules[__name__]) if name.startswith("test_s")]
    numbers = sorted(int(name.split("_")[1][1:]) for name in names)
    assert numbers == list(range(1, 15))
