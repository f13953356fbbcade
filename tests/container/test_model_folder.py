"""What `train` makes of the folder that becomes model.tar.gz."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def program(tmp_path: Path):
    """program(LINES) is an algorithm whose train.sh runs them in the model's folder."""

    def make(lines: str) -> Path:
        folder = tmp_path / "algorithm"
        folder.mkdir()
        (folder / "train.sh").write_text(f'set -e\nhere=$PWD\ncd "$SM_MODEL_DIR"\n{lines}\n')
        return folder

    return make


def test_links_become_what_they_lead_to(place, program):
    lines = (
        "mkdir -p snapshots/1 blobs; echo weights > blobs/b; ln -s ../../blobs/b snapshots/1/w",
        "ln -s snapshots/1 latest; ln -s b1 blobs/b2; ln -s b blobs/b1",
        'ln -s "$here/train.sh" code',
    )
    assert place.train(program("\n".join(lines))) == 0, place.log
    model = place.base / "model"
    for name in ("snapshots/1/w", "latest/w", "blobs/b1", "blobs/b2"):
        assert (model / name).read_text() == "weights\n"
    assert (model / "code").read_text().startswith("set -e")
    assert not [path for path in model.rglob("*") if path.is_symlink()]
    assert "train: model/latest was a link, which no endpoint unpacks" in place.log
    assert {path.name for path in model.iterdir()} == {"blobs", "code", "latest", "snapshots"}


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("ln -s nowhere x", "nowhere does not exist"),
        ("ln -s x x", "x does not exist"),
        ("ln -s . x", "holds links of its own"),
        ("ln -s /dev/null x", "/dev/null cannot be copied (it is no file)"),
    ],
)
def test_a_link_that_leads_to_nothing_one_can_keep_is_named(place, program, link, why):
    assert place.train(program(link)) == 0, place.log
    assert "train: model/x is a link, which no endpoint unpacks: " in place.log
    assert why in place.log
    assert [path.name for path in (place.base / "model").iterdir()] == ["x"]


def test_a_stopped_program_gets_its_links_mended_too(place, program):
    lines = "echo w > w; ln -s w best; trap 'exit 3' TERM; echo y > \"$SM_OUTPUT_DATA_DIR/ready\""
    running = place.start(program(f"{lines}\nwhile :; do sleep 0.02; done"))
    place.wait_for("ready")
    running.terminate()
    assert running.wait(timeout=20) == 3
    assert not (place.base / "model/best").is_symlink()


def test_a_model_saved_elsewhere_is_said_with_its_name(place, program):
    folder = program('mkdir empty; echo w > "$here/model.bin"')
    assert place.train(folder) == 0
    said = f"is empty, so there is no model. It wrote model.bin into {folder}. What shall stay"
    assert said in place.log


def test_only_the_first_host_and_only_success_says_that_there_is_no_model(place, program):
    place.config("resourceconfig", {"hosts": ["a", "localhost"], "current_host": "localhost"})
    folder = program("exit $1")
    assert place.train(folder, "0", BYOA_HOST_WAIT="0") == 0, place.log
    assert "there is no model" not in place.log
    place.config("resourceconfig", {"hosts": ["a"]})
    assert place.train(folder, "1") == 1
    assert "there is no model" not in place.log
