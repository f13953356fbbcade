"""Answers the species of flowers that are told in centimetres: CSV rows, or JSON lists."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from flowers import FEATURES, Numbers, Scaling
from train import MODEL


@dataclass(frozen=True)
class Model:
    classifier: LogisticRegression
    scaling: Scaling


def model_fn(model_dir: str) -> Model:
    learned = json.loads(Path(model_dir, MODEL).read_text(encoding="utf-8"))
    classifier = LogisticRegression()
    classifier.coef_ = np.array(learned["coefficients"])
    classifier.intercept_ = np.array(learned["intercepts"])
    classifier.classes_ = np.array(learned["classes"])
    return Model(classifier, Scaling.read(Path(model_dir)))


def input_fn(body: str, content_type: str) -> Numbers:
    """Rows of four lengths; what else comes is the client's mistake, and told."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            rows = np.atleast_2d(np.array(json.loads(body), dtype=float))
        elif kind == "text/csv":
            rows = np.loadtxt(io.StringIO(body), delimiter=",", ndmin=2)
        else:
            raise RefusedError(415, f"{content_type or 'no content type'}: send text/csv or JSON")
    except (ValueError, TypeError) as error:
        raise ValueError(f"no numbers: {error} - send rows such as 5.1,3.5,1.4,0.2") from None
    if rows.shape[1:] != (len(FEATURES),) or not len(rows) or not np.isfinite(rows).all():
        raise ValueError(f"rows of {', '.join(FEATURES)} are needed, in centimetres")
    return rows


class RefusedError(Exception):
    """An error with a status of its own."""

    def __init__(self, status_code: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code


def predict_fn(rows: Numbers, model: Model) -> list[dict[str, object]]:
    sure = model.classifier.predict_proba(model.scaling.apply(rows))
    best = sure.argmax(axis=1)
    return [
        {"species": model.scaling.species[model.classifier.classes_[i]], "probability": row[i]}
        for i, row in zip(best.tolist(), sure.round(4).tolist())
    ]


def output_fn(prediction: list[dict[str, object]], accept: str) -> tuple[str, str]:
    if accept.startswith("text/csv"):
        return "".join(f"{one['species']},{one['probability']}\n" for one in prediction), "text/csv"
    return json.dumps(prediction), "application/json"
