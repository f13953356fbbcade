"""Fine-tune Mask R-CNN: an ordinary script-mode program.

Hyperparameters come as `--name value`, channels and folders as SM_* variables. What the
user got wrong is found before torch is even imported, and raised as an InputError whose
message says what to change.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from channel import load_channel
from dataset import check_num_classes, split
from distributed import cluster_of, is_rank, launch, rank_environment, tell_launcher
from errors import DataError, InputError
from folders import model_folder, require_writable
from hyperparameters import Hyperparameters, parse
from job import Folders, Job
from starting_weights import find_weights


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Train as the arguments and the SM_* variables say; 0, or an InputError."""
    chosen = parse(argv)
    cluster = cluster_of(environ)
    if cluster.world_size > 1 and not is_rank(environ):
        if cluster.ranks_per_host > 1:
            if len(cluster.hosts) == 1:
                _job(chosen, environ)  # what is wrong is told once, not by every rank
            return launch(Path(__file__).resolve(), argv, cluster)
        environ = {**environ, **rank_environment(cluster, 0)}
        os.environ.update(environ)
    try:
        _run(chosen, environ)
    except Exception as error:
        # One of several ranks: its parent speaks for it, so it must know the reason.
        kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
        tell_launcher(f"{kind}{error}")
        raise
    return 0


def _run(chosen: Hyperparameters, environ: Mapping[str, str]) -> None:
    # torch and torchvision take seconds to import: only now is it sure that they are needed.
    try:
        job = _job(chosen, environ)
    except InputError as error:
        if is_rank(environ):
            from run import tell_peers

            tell_peers(environ, str(error))
        raise
    from run import run_job

    run_job(job)


def _job(chosen: Hyperparameters, environ: Mapping[str, str]) -> Job:
    """The job with its pictures: everything that is wrong with them is raised here."""
    channels = _channels(environ)
    sharded = _sharded(environ)
    folder = channels.get("training") or channels.get("train")
    if folder is None:
        have = ", ".join(sorted(channels)) or "none"
        raise DataError(
            f"there is no `training` channel (channels given: {have}). Add one named training "
            "with the pictures and their annotations."
        )
    name = "training" if "training" in channels else "train"
    training = load_channel(
        folder, sharded=name in sharded, annotations=channels.get("annotations")
    )
    check_num_classes(training, chosen.num_classes)
    if "validation" in channels:
        validation = load_channel(
            channels["validation"],
            sharded="validation" in sharded,
            categories=(training.class_names, training.category_ids),
        )
    else:
        training, validation = split(training, chosen.validation_fraction, chosen.seed)
    model_dir = Path(environ.get("SM_MODEL_DIR", "/opt/ml/model"))
    output = Path(environ.get("SM_OUTPUT_DATA_DIR", str(model_dir.parent / "output" / "data")))
    start = model_folder(channels["model"]) if "model" in channels else None
    folders = Folders(
        model=model_dir,
        output=output,
        checkpoints=Path(environ.get("SM_CHECKPOINT_DIR", str(model_dir.parent / "checkpoints"))),
        # TensorBoardOutputConfig's own default: SageMaker uploads it while the job runs.
        events=output.parent / "tensorboard",
        weights=None if start else _weights(chosen, channels, environ),
        start=start,
    )
    require_writable(folders.model, folders.output, folders.checkpoints)
    return Job(chosen, training, validation, folders, bool(sharded), dict(environ))


def _weights(
    chosen: Hyperparameters, channels: Mapping[str, Path], environ: Mapping[str, str]
) -> Path | None:
    return find_weights(chosen.pretrained, chosen.backbone, channels.get("pretrained"), environ)


def _channels(environ: Mapping[str, str]) -> dict[str, Path]:
    """Channel folders by lower-case name; channels that we do not know are simply not asked for."""
    prefix = "SM_CHANNEL_"
    return {
        key.removeprefix(prefix).lower(): Path(value)
        for key, value in environ.items()
        if key.startswith(prefix)
    }


def _sharded(environ: Mapping[str, str]) -> set[str]:
    """The channels of which every host got only a part."""
    config = json.loads(environ.get("SM_INPUT_DATA_CONFIG") or "{}")
    hosts = json.loads(environ.get("SM_HOSTS") or "[]")
    if len(hosts) < 2:
        return set()
    return {n for n, c in config.items() if c.get("S3DistributionType") == "ShardedByS3Key"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
