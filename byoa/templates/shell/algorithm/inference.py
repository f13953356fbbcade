"""Lets a shell script answer: the body goes to predict.sh's stdin, its stdout is the answer."""

from __future__ import annotations

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parent / "predict.sh"
SECONDS = 30


def model_fn(model_dir: str) -> str:
    if not Path(model_dir, "words.tsv").is_file():
        raise FileNotFoundError(f"{model_dir} has no words.tsv: train first")
    return model_dir


def transform_fn(model: str, body: bytes | str, content_type: str, accept: str) -> tuple[str, str]:
    text = body if isinstance(body, str) else body.decode()
    done = subprocess.run(
        ["/bin/bash", str(SCRIPT), model],
        input=text,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    return done.stdout, "text/tab-separated-values"
