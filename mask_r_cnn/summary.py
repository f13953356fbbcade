"""What a finished job leaves for people: report.html, with figures, curves and samples."""

from __future__ import annotations

from dataclasses import fields

from torch import Tensor

from dataset import instance_rle
from engine import Trainer
from evaluation import Detection, Evaluation
from job import Job
from model import ModelInfo, predict
from pictures import read_picture
from report import Report, Sample, write_report
from validate import Validator

_SAMPLES = 6
# A sample shows what a user of the model would show, not the long tail that AP is measured on.
_SHOWN_SCORE = 0.5


def write_summary(
    job: Job,
    trainer: Trainer,
    validator: Validator,
    best: tuple[dict[str, Tensor], ModelInfo] | None,
    judged: Evaluation | None,
) -> Evaluation | None:
    """The leader writes output/data/report.html, with what was judged of the kept model.

    Where that is not known, because another process kept it, all ranks judge it once more. The
    trainer's judged network is the kept one afterwards; what was judged is given back.
    """
    state, info = trainer.ranks.from_leader(best)
    trainer.evaluated.load_state_dict(state)
    evaluation = judged or validator(trainer.evaluated, info)
    if not trainer.ranks.layout.leader:
        return evaluation
    report = Report(
        title=f"Mask R-CNN, {job.chosen.backbone}",
        hyperparameters={f.name: getattr(job.chosen, f.name) for f in fields(job.chosen)},
        data={"training": job.training.summary(), "validation": job.validation.summary()},
        history=trainer.progress.history,
        evaluation=evaluation,
        samples=_samples(trainer, validator, info),
        class_names=info.class_names,
        versions=info.versions,
    )
    job.folders.output.mkdir(parents=True, exist_ok=True)
    write_report(job.folders.output / "report.html", report)
    return evaluation


def _samples(trainer: Trainer, validator: Validator, info: ModelInfo) -> list[Sample]:
    pictures = validator.own[:_SAMPLES]
    samples = []
    trainer.evaluated.eval()
    for picture in pictures:
        image = read_picture(picture.path)
        found = predict(trainer.evaluated, info, [image], score_threshold=_SHOWN_SCORE)[0]
        truth = [
            Detection(i.label, 1.0, i.box, instance_rle(picture, i)) for i in picture.instances
        ]
        samples.append(Sample(image, truth, found, picture.path.name))
    return samples
