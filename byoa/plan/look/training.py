"""How far a job is, read from what it prints: epochs, steps, per cent, and its last figures."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

#: `epoch 2/5`, `Epoch [2/5]`, `Epoch: 2 of 5`, `epoch=2`
EPOCH = re.compile(r"\bepoch(?:s)?\b\W{0,3}(\d{1,7})(?:\s*(?:/|of)\s*(\d{1,7}))?", re.IGNORECASE)
#: `step 26/60`, `[6400/60000 (11%)]`, `batch 3 of 40`, `it 26/60`
STEP = re.compile(
    r"(?:\b(?:step|batch|iter(?:ation)?|it)s?\b\W{0,3}|\[)(\d{1,9})\s*(?:/|of)\s*(\d{1,9})",
    re.IGNORECASE,
)
#: XGBoost's `[7]\ttrain-rmse:0.5`
ROUND = re.compile(r"\[(\d{1,7})\]\t")
#: tqdm's and its like: ` 45%|████`
PERCENT = re.compile(r"(?:^|[\s\r])(\d{1,3})%\|")
LEFT = re.compile(r"\babout (\d+) (s|min|h) left\b")
SECONDS = {"s": 1, "min": 60, "h": 3600}
FIGURE = re.compile(r"\b([A-Za-z_][\w./-]{0,40}) ?[=:] ?(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\b(?!/)")
#: Figures that are shown, the first of them that there is.
WANTED = (
    re.compile(r"loss", re.IGNORECASE),
    re.compile(r"acc|map|auc|f1|iou|dice|rmse|mae|error", re.IGNORECASE),
)
#: What scripts call the number of their epochs.
EPOCHS = ("num_epochs", "epochs", "max_epochs", "n_epochs", "num_train_epochs", "num_round")
PLAIN = re.compile(r"\bloss (\d+\.\d+)\b")


@dataclass
class Course:
    """Where a job is by its own words; `epochs` is what its hyperparameters say, 0 = nothing."""

    epochs: int = 0
    epoch: int = 0
    step: tuple[int, int] = (0, 0)
    percent: int = -1
    left: tuple[float, float] = (0.0, -1.0)  #: when it was said (seconds), how long it was then
    first: tuple[float, float] = (0.0, -1.0)  #: when a part was known first, and which
    last: tuple[float, float] = (0.0, -1.0)  #: and last
    figures: dict[str, float] = field(default_factory=dict)
    complete: bool = False  #: the epoch that was told last is over

    def asked(self, hyperparameters: Mapping[str, object]) -> None:
        """How many epochs the hyperparameters ask for, as long as the job itself has not said."""
        for name in EPOCHS:
            text = str(hyperparameters.get(name, "")).strip().strip('"')
            if not self.epochs and text.isdigit():
                self.epochs = int(text)

    def take(self, text: str, now: float) -> None:
        """One line of the job's, and when it was written."""
        text = text[:400]
        epoch = EPOCH.search(text)
        after = text[: epoch.start()] + text[epoch.end() :] if epoch else text
        step = STEP.search(after)
        if turn := ROUND.match(text):
            self.epoch, self.complete = int(turn[1]) + 1, True
        if epoch:
            number = int(epoch[1])
            self.epochs = int(epoch[2]) if epoch[2] else self.epochs
            self.step = (0, 0) if number != self.epoch else self.step
            # figures without a step are of an epoch that is done
            self.epoch, self.complete = number, bool(FIGURE.search(after) or PLAIN.search(after))
        if step and int(step[2]):
            self.step, self.complete = (int(step[1]), int(step[2])), False
        if percent := PERCENT.search(text):
            self.percent = min(100, int(percent[1]))
            if epoch:
                self.step, self.complete = (self.percent, 100), False
        left = LEFT.search(text)
        self.left = (now, int(left[1]) * SECONDS[left[2]]) if left else self.left
        self._figures(text)
        part = self.part
        if part is not None and part != self.last[1]:
            self.last = (now, part)
            self.first = self.first if self.first[1] >= 0 else self.last

    def _figures(self, text: str) -> None:
        for name, value in FIGURE.findall(text):
            if any(wish.search(name) for wish in WANTED):
                self._figure(name, value)
        if plain := PLAIN.search(text):
            self._figure("loss", plain[1])

    def _figure(self, name: str, value: str) -> None:
        self.figures.pop(name, None)  # the last one that was told is the last of them
        self.figures[name] = float(value)

    @property
    def part(self) -> float | None:
        """The part of the whole that is done; None when nothing tells."""
        done, steps = self.step
        within = 1.0 if self.complete else done / steps if steps else 0.0
        if self.epochs and self.epoch:
            return min(1.0, max(0.0, (max(self.epoch, 1) - 1 + within) / self.epochs))
        if steps and not self.epoch:
            return min(1.0, within)
        return self.percent / 100 if self.percent >= 0 and not self.epoch else None

    def remaining(self, now: float) -> float | None:
        """Seconds that are left, as the job said them, else by what was done since it was seen."""
        said, left = self.left
        if left >= 0 and now - said < 120:
            return max(0.0, left - (now - said))
        (begun, first), (told, part) = self.first, self.last
        if first < 0 or part - first < 0.02 or told - begun < 2:
            return None
        return max(0.0, (told - begun) / (part - first) * (1 - part) - (now - told))

    def notes(self, more: Mapping[str, float] | None = None) -> tuple[str, ...]:
        """epoch 2/5, the last loss and score, step 26/60."""
        of = f"/{self.epochs}" if self.epochs else ""
        epoch = [f"epoch {self.epoch}{of}"] if self.epoch else []
        going = self.step[1] and not self.complete
        step = [f"step {self.step[0]}/{self.step[1]}"] if going else []
        return (*epoch, *figures({**(more or {}), **self.figures}), *step)


def figures(found: Mapping[str, float]) -> tuple[str, ...]:
    """The first loss and the first score of them: `loss 0.51`."""
    said = []
    for wish in WANTED:
        known = {n: v for n, v in found.items() if wish.search(n) and math.isfinite(v)}
        if known:
            name = max(reversed(known), key=lambda name: ("segm" in name, "50" not in name))
            said.append(f"{name} {known[name]:.3g}")
    return tuple(said)
