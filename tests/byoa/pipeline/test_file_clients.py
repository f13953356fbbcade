"""Products kept by a File client: sent as they are made, fetched in another clone, not trusted."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from byoa.pipeline.build import Options, build
from byoa.pipeline.load import load
from byoa.pipeline.state import State
from byoa.plan.pipeline.selection import Selection
from tests.byoa.s3_server import BUCKET, files_of, s3, s3_address, write_files

__all__ = ["s3", "s3_address"]
PIPELINE = """
clients:
  File: clients.get
tasks:
  - source: steps.get
    product: out/raw.csv
    params: {n: 1}
  - source: steps.parts
    product: {data: out/parts, note: out/note.txt}
  - source: steps.total
    product: out/total.json
"""
STEPS = """
from pathlib import Path

def note(name):
    with open("ran.txt", "a") as file:
        file.write(name + "\\n")

def get(product, n):
    note("get")
    Path(product).write_text(f"{n},2,3")

def parts(product, upstream):
    note("parts")
    Path(product["data"]).mkdir()
    for at, text in enumerate(Path(upstream["get"]).read_text().split(",")):
        Path(product["data"], f"{at}.txt").write_text(text)
    Path(product["note"]).write_text("ok")

def total(product, upstream):
    note("total")
    found = [int(path.read_text()) for path in Path(upstream["parts"]["data"]).iterdir()]
    Path(product).write_text('{"total": %d}' % sum(found))
"""
#: Its upload fails for what the file `fail` names, and waits while the file `hold` names it.
CLIENTS = """
import time
from pathlib import Path
from byoa.pipeline.clients import LocalStorageClient, S3Client

class Shaky(LocalStorageClient):
    def upload(self, local):
        if Path("fail").exists() and Path("fail").read_text() in str(local):
            raise ConnectionError("the line is down")
        while Path("hold").exists() and Path("hold").read_text() in str(local):
            time.sleep(0.02)
        super().upload(local)

def get():
    return {}
"""
FOLDER = "Shaky({store!r})"
S3 = (
    "S3Client({bucket!r}, 'products', endpoint_url={address!r}, region_name='us-east-1',"
    " aws_access_key_id='key', aws_secret_access_key='secret')"
)
ALL = ["get", "parts", "total"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("BYOA_HOME", str(tmp_path / "home"))
    make_project(tmp_path / "one", FOLDER.format(store=str(tmp_path / "store")))
    return tmp_path / "one"


def make_project(root: Path, client: str) -> Path:
    contents = {"pipeline.yaml": PIPELINE, "steps.py": STEPS, "clients.py": CLIENTS.format(client)}
    return write_files(root, {name: text.encode() for name, text in contents.items()})


def clone(project: Path, name: str = "two") -> Path:
    """The project as git has it, elsewhere: without products and records."""
    there = project.parent / name
    left_out = shutil.ignore_patterns("out", ".byoa", "ran.txt", "fail", "__pycache__")
    shutil.copytree(project, there, ignore=left_out)
    return there


def run(root: Path, selection: Selection = Selection()) -> list[str]:  # noqa: B008 - frozen
    """Builds; the tasks that really ran."""
    (root / "ran.txt").unlink(missing_ok=True)
    result = build(load(root / "pipeline.yaml"), selection, Options(jobs=2))
    errors = {one.task: one.failure.text for one in result.failed if one.failure}
    assert not errors, errors
    path = root / "ran.txt"
    return sorted(path.read_text().split()) if path.exists() else []


def failures(root: Path) -> dict[str, str]:
    result = build(load(root / "pipeline.yaml"), options=Options(jobs=2))
    return {one.task: one.failure.text for one in result.failed if one.failure}


def products(root: Path) -> dict[str, bytes]:
    return files_of(root / "out")


def test_a_clone_fetches_what_another_has_made(project, tmp_path):
    assert run(project) == ALL
    stored = files_of(tmp_path / "store")
    assert {
        name.removeprefix("out/"): stored[name] for name in stored if name.startswith("out/")
    } == (products(project)), "as Ploomber lays them out"
    there = clone(project)
    assert run(there) == []
    assert products(there) == products(project)
    assert {one.action for one in State(load(there / "pipeline.yaml")).plan().values()} == {"keep"}
    shutil.rmtree(there / "out")
    assert run(there) == [], "what was deleted is fetched back"
    assert products(there) == products(project)
    assert not list(there.rglob(".byoa-*")), "nothing is left aside"


def test_through_s3(tmp_path, monkeypatch, s3, s3_address):
    monkeypatch.setenv("BYOA_HOME", str(tmp_path / "home"))
    project = make_project(tmp_path / "one", S3.format(bucket=BUCKET, address=s3_address))
    assert run(project) == ALL
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert "products/out/parts/0.txt" in keys
    there = clone(project)
    assert run(there) == []
    assert products(there) == products(project)


def test_only_what_the_clone_changed_runs(project):
    run(project)
    there = clone(project)
    steps = there / "steps.py"
    steps.write_text(STEPS.replace('"total": %d', '"sum": %d'))
    assert run(there) == ["total"]
    assert run(project) == [], "what the other sent does not disturb this one"
    steps.write_text(STEPS)
    assert run(clone(there, "three")) == ["total"], "the last that was sent is another's"


def test_forced_is_made_not_fetched(project):
    run(project)
    assert run(clone(project), Selection(force=("parts",))) == ["parts"]


@pytest.mark.parametrize("what", ["out/raw.csv", "records/get.json"])
def test_what_could_not_be_sent_is_told_and_sent_by_the_next_build(project, tmp_path, what):
    (project / "fail").write_text(what)
    assert failures(project) == {
        "get": "it was made here, but not sent: ConnectionError: the line is down."
        " Build again to send it."
    }
    assert products(project).keys() >= {"raw.csv", "total.json"}, "here all is done"
    assert not (tmp_path / "store" / ".byoa/pipeline/pipeline/records/get.json").exists()
    there = clone(project)
    assert "get" in run(there), "without its record it is not there"
    (project / "fail").unlink()
    assert run(project) == []
    assert (tmp_path / "store/out/raw.csv").read_bytes() == b"1,2,3"
    assert run(clone(project, "three")) == []


def test_a_driver_that_is_killed_while_it_sends(project, tmp_path):
    """Its clients' process goes with it; data without a record is as good as none."""
    (project / "hold").write_text("records/get.json")
    words = [sys.executable, "-m", "byoa.cli", "pipeline", "build"]
    with (tmp_path / "said").open("w") as said:
        driver = subprocess.Popen(words, cwd=project, stdout=said, stderr=said)
    store = tmp_path / "store"
    wait_for(lambda: (store / "out/total.json").exists() and (store / "out/raw.csv").exists())
    driver.kill()
    driver.wait()
    (project / "hold").unlink()
    there = clone(project)
    assert "get" in run(there), "another clone does not take it for done"
    assert products(there) == products(project)
    assert run(project) == []
    assert run(clone(project, "three")) == []


def test_ctrl_c_does_not_wait_for_what_is_sent(project, tmp_path):
    (project / "hold").write_text("raw.csv")
    words = [sys.executable, "-m", "byoa.cli", "pipeline", "build"]
    with (tmp_path / "said").open("w") as said:
        driver = subprocess.Popen(words, cwd=project, stdout=said, stderr=said)
    records = project / ".byoa/pipeline/pipeline/records"
    wait_for((records / "total.json").exists)
    driver.send_signal(signal.SIGINT)
    assert driver.wait(60) == 130
    (project / "hold").unlink()
    assert run(project) == []
    assert run(clone(project)) == []


def wait_for(there: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("out/raw.csv", b"lies"),
        (".byoa/pipeline/pipeline/records/get.json", b"{"),
    ],
)
def test_what_is_not_what_its_record_says_is_made_anew(project, tmp_path, name, data):
    run(project)
    path = tmp_path / "store" / name
    path.write_bytes(data) if data is not None else path.unlink()
    there = clone(project)
    assert run(there) == ["get"], "and early cut-off fetches the rest"
    assert products(there) == products(project)


def test_a_client_of_ones_own_needs_two_methods(project, tmp_path):
    """Whatever it raises for what it has not got."""
    (project / "clients.py").write_text(f"""
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
STORE = Path({str(tmp_path / "own")!r})

class Own:
    def upload(self, local):
        to = STORE / Path(local).absolute().as_posix().replace("/", "!").partition("one!")[2]
        to.parent.mkdir(exist_ok=True)
        (shutil.copytree if Path(local).is_dir() else shutil.copy)(local, to)

    def download(self, local, destination=None):
        name = Path(local).absolute().as_posix().replace("/", "!").partition("one!")[2]
        source = STORE / name
        if not source.exists():
            raise RuntimeError("unknown")
        (shutil.copytree if source.is_dir() else shutil.copy)(source, destination or local)

def get():
    return Own()
""")
    assert run(project) == ALL
    assert (tmp_path / "own/out!total.json").is_file()
    shutil.rmtree(project / "out")
    shutil.rmtree(project / ".byoa")
    assert run(project) == []


def test_a_client_that_cannot_be_made(project):
    (project / "clients.py").write_text("def get():\n    return 1 / 0\n")
    assert "The client clients.get cannot be made: ZeroDivisionError" in failures(project)["get"]


def test_of_several_products_each_may_have_its_own(project, tmp_path):
    """`product_client` at a task; others have none."""
    text = PIPELINE.replace("clients:\n  File: clients.get\n", "").replace(
        "product: out/raw.csv", "product: out/raw.csv\n    product_client: clients.get"
    )
    (project / "pipeline.yaml").write_text(text)
    run(project)
    assert [name for name in files_of(tmp_path / "store") if name.startswith("out")] == [
        "out/raw.csv"
    ]
    assert run(clone(project)) == ["parts", "total"]
