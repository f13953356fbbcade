"""The whole walk-through of examples/iris in the sandbox: its image, functions, jobs, endpoint."""

from __future__ import annotations

import functools
import http.server
import json
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_place import Place

pytestmark = [pytest.mark.docker, pytest.mark.timeout(400)]
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "iris"
BUCKET = "byoa-iris-123456789012-us-east-1"
#: The sandbox's functions may reach this machine: the CSV is served here.
HERE = "--set AllowedNetworks=127.0.0.0/8"


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """scikit-learn's flowers on loopback, by their address."""
    folder = tmp_path_factory.mktemp("csv")
    with (folder / "iris.data").open("w") as file:
        sample = EXAMPLE / "iris" / "sample.py"
        subprocess.run([sys.executable, str(sample)], stdout=file, check=True, timeout=60)
    serve = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/iris.data"
    server.shutdown()
    server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture(scope="module")
def place(csv: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    more = {"SOURCE": csv, "SETUP": HERE, "WORK": str(tmp_path_factory.mktemp("work"))}
    with Place.up(tmp_path_factory.mktemp("home"), "iris", more) as place:
        yield place
        place.forget_images("byoa-iris")


@pytest.fixture(scope="module")
def work(place: Place) -> Path:
    """The folder that the script leaves when it has run to the model."""
    place.script(EXAMPLE / "run.sh", "prepare setup image workflow")
    return Path(place.environ["WORK"])


def the_road_ends_with_a_model_in_s3(work: Path, place: Place) -> None:
    ended = json.loads((work / "run.json").read_text())
    assert ended["status"] == "SUCCEEDED"
    address = ended["output"]["ModelArtifacts"]["S3ModelArtifacts"]
    assert address.startswith(f"s3://{BUCKET}/models/")
    key = address.removeprefix(f"s3://{BUCKET}/")
    place.client("s3").download_file(BUCKET, key, str(work / "model.tar.gz"))
    with tarfile.open(work / "model.tar.gz") as archive:
        assert sorted(archive.getnames()) == ["model.json", "scaling.json"]


def the_job_prepared_eighty_and_twenty_per_cent(work: Path, place: Place) -> None:
    s3 = place.client("s3")
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="data/iris/")["Contents"]
    lines = {
        one["Key"].rpartition("/")[2]: s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
        for one in listed
    }
    assert len(lines["train.csv"].splitlines()) == 120
    assert len(lines["test.csv"].splitlines()) == 30
    assert json.loads(lines["scaling.json"])["species"][0] == "Iris-setosa"


def the_pictures_show_a_road_that_succeeded(work: Path) -> None:
    assert "<svg" in (work / "iris.svg").read_text()
    page = (work / "iris.html").read_text()
    assert all(state in page for state in ("Ingest", "Prepare", "Train", "SUCCEEDED"))


def the_same_data_is_not_fetched_again(work: Path, place: Place) -> None:
    answer = place.client("lambda").invoke(
        FunctionName="byoa-iris_ingest-data",
        Payload=json.dumps({"Source": place.environ["SOURCE"]}),
    )
    told = json.load(answer["Payload"])
    assert (told["Done"], told["Changed"]) == (True, False)


def the_endpoint_knows_the_flowers(work: Path, place: Place) -> None:
    said = place.script(EXAMPLE / "run.sh", "ask")
    species = [line.split(",")[0] for line in said.splitlines() if line.startswith("Iris-")]
    assert species == ["Iris-setosa", "Iris-virginica"]


def nothing_is_left_in_the_end(work: Path, place: Place) -> None:
    place.script(EXAMPLE / "run.sh", "tidy")
    place.until_empty()


def test_the_whole_walk_through(work: Path, place: Place):
    """One test: its parts follow each other, and no second worker begins anew."""
    the_road_ends_with_a_model_in_s3(work, place)
    the_job_prepared_eighty_and_twenty_per_cent(work, place)
    the_pictures_show_a_road_that_succeeded(work)
    the_same_data_is_not_fetched_again(work, place)
    the_endpoint_knows_the_flowers(work, place)
    nothing_is_left_in_the_end(work, place)


def test_the_readme_shows_what_the_script_does():
    script, readme = ((EXAMPLE / name).read_text() for name in ("run.sh", "README.md"))
    flags = {word for word in script.split() if word.startswith("--") and len(word) > 2}
    assert flags - set(readme.split()) <= {"--on", "--json"}
