"""This repository's own algorithm as a job of byoa.local; in docker too (tests/docker)."""

from __future__ import annotations

from tests.docker.conftest import QUICK, ROOT
from tests.local_home import Home


def test_it_trains_and_leaves_a_model(home: Home):
    from console import metric_definitions
    from sample_pictures import make_pictures

    if home.image.startswith("process:"):
        home.image = f"process://{ROOT / 'mask_r_cnn'}"
    make_pictures(home.storage / "pictures", 4, seed=1, size=(96, 64))
    home.start(
        HyperParameters=QUICK,
        Environment={"OMP_NUM_THREADS": "1"},
        InputDataConfig=[home.channel("training", home.uri("pictures/"), "FastFile")],
        AlgorithmSpecification={"MetricDefinitions": metric_definitions()},
        EnableNetworkIsolation=True,
        CheckpointConfig={"S3Uri": home.uri("state/")},
        StoppingCondition={"MaxRuntimeInSeconds": 240},
    )
    record = home.wait(seconds=240)
    assert record["TrainingJobStatus"] == "Completed", (record, home.log())
    assert "model.safetensors" in home.unpacked()
    assert any((home.storage / "state").iterdir())
    metrics = {one["MetricName"]: one["Value"] for one in record["FinalMetricDataList"]}
    assert metrics["train_loss"] > 0
    assert "validation_segm_map" in metrics
