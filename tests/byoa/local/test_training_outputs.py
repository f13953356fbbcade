"""What training jobs leave: models, outputs, checkpoints, events. In docker too (tests/docker)."""

from __future__ import annotations

import time

from tests.local_home import Home


def test_checkpoints_are_there_before_while_and_after(home: Home):
    home.put("state/step.txt", "1")
    home.put("state/old.txt", "x")
    home.start_script(
        "import os, pathlib, time\n"
        "folder = pathlib.Path(os.environ['SM_CHECKPOINT_DIR'])\n"
        "print('found', (folder / 'step.txt').read_text(), flush=True)\n"
        "(folder / 'old.txt').unlink(); (folder / 'deep').mkdir()\n"
        "(folder / 'deep/new.txt').write_text('live'); print('written', flush=True)\n"
        "while not (folder / 'go').exists():\n"
        "    time.sleep(0.01)\n"
        "    draft = folder / 'draft'; draft.write_text('x'); draft.unlink()\n"
        "(folder / 'go').unlink(); (folder / 'step.txt').write_text('2')\n",
        CheckpointConfig={"S3Uri": home.uri("state")},
    )
    home.wait_for_log("written")
    state = home.storage / "state"
    end = time.monotonic() + 30
    while not (state / "deep/new.txt").exists() or (state / "old.txt").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert home.describe()["TrainingJobStatus"] == "InProgress"  # it is synced while it runs
    (home.root / "jobs/training/job/hosts/1/algo-1/checkpoints/go").touch()
    record = home.wait()
    assert record["TrainingJobStatus"] == "Completed", (record, home.log())
    assert "found 1" in home.log()
    assert (state / "step.txt").read_text() == "2"
    names = sorted(path.name for path in state.rglob("*") if path.is_file())
    assert names == ["new.txt", "step.txt"]


def test_tensorboard_events_are_synced(home: Home):
    record = home.script(
        "import os, pathlib\n"
        "folder = pathlib.Path(os.environ['SM_OUTPUT_DIR'], 'tensorboard'); folder.mkdir()\n"
        "(folder / 'events').write_text('e')\n",
        TensorBoardOutputConfig={"S3OutputPath": home.uri("board")},
    )
    assert record["TrainingJobStatus"] == "Completed", home.log()
    assert (home.storage / "board/job/tensorboard-output/events").read_text() == "e"


def test_an_uncompressed_model(home: Home):
    path = home.uri("out")
    record = home.train(OutputDataConfig={"S3OutputPath": path, "CompressionType": "NONE"})
    assert record["ModelArtifacts"]["S3ModelArtifacts"] == f"{path}/job/output/model/"
    assert (home.storage / "out/job/output/model/model.json").is_file()


def test_a_link_in_the_model_is_refused_with_a_sentence(home: Home):
    record = home.script(
        "import os\nos.symlink('/nowhere', os.environ['SM_MODEL_DIR'] + '/link')\n"
    )
    assert record["TrainingJobStatus"] == "Failed"
    assert "Artifact upload failed: model/link is a symbolic link" in record["FailureReason"]


def test_a_folder_that_became_a_link_is_not_followed(home: Home):
    """In a container root could make the machine's own files its output."""
    record = home.script(
        "import os, shutil\n"
        "for name in ('SM_OUTPUT_DATA_DIR', 'SM_CHECKPOINT_DIR'):\n"
        "    try: shutil.rmtree(os.environ[name])\n"
        "    except OSError: pass\n"
        "    else: os.symlink('/etc', os.environ[name])\n",
        CheckpointConfig={"S3Uri": home.uri("state")},
    )
    assert record["TrainingJobStatus"] == "Failed"
    assert "data is a symbolic link" in record["FailureReason"]
    assert not list((home.storage / "state").rglob("*"))


def test_nothing_of_the_hosts_is_left(home: Home):
    home.train()
    assert not list((home.root / "jobs/training/job/hosts").iterdir())
