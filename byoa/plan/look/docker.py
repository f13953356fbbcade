"""What docker says while it builds, pushes and pulls, as figures."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from byoa.plan.workflow.picture.words import plain

#: The old builder's `Step 7/21 : RUN …`, BuildKit's `#9 [stage 7/21] RUN …`
OLD = re.compile(r"Step (\d+)/(\d+) : (.*)")
BUILDKIT = re.compile(r"#\d+ \[(?:[\w.-]+ +)?(\d+)/(\d+)\] (.*)")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LAYER = re.compile(r"([0-9a-f]{12}): (\w.*)")
AMOUNT = r"([\d.]+) ?([kMGT]?)B"
SENT = re.compile(rf"(?:Pushing|Downloading|Extracting).*?{AMOUNT}(?:/{AMOUNT})?")
OVER = (
    "Pushed", "Layer already exists", "Mounted from", "Pull complete", "Already exists",
)  # fmt: skip
UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


@dataclass
class Steps:
    """Where a build is: its step, that step's words, what was said last."""

    step: int = 0
    steps: int = 0
    words: str = ""
    last: str = ""

    def take(self, line: str) -> None:
        line = plain(ESCAPES.sub("", line)).strip()
        found = OLD.match(line) or BUILDKIT.match(line)
        if found:
            self.step, self.steps, self.words = int(found[1]), int(found[2]), found[3]
            self.last = ""
        elif line and not line.startswith("--->"):  # the name of a layer says nothing
            self.last = line

    @property
    def notes(self) -> tuple[str, ...]:
        return (f"step {self.step}/{self.steps}",) if self.steps else ()

    @property
    def below(self) -> tuple[str, ...]:
        """The step's words and its last line, for the lines under the bar."""
        return tuple(f"  {text}" for text in (self.words, self.last) if text)


@dataclass
class Layers:
    """How much of each layer of an image was sent or fetched, as docker tells a terminal."""

    known: dict[str, float] = field(default_factory=dict)  #: the part of it, 1 when it is over
    amounts: dict[str, float] = field(default_factory=dict)
    rest: str = ""

    def take(self, text: str) -> None:
        """Some more of the output; the last line of it may be a half."""
        *lines, self.rest = re.split(r"[\r\n]", self.rest + text)
        for line in lines:
            if found := LAYER.match(ESCAPES.sub("", line).strip()):
                self._layer(found[1], found[2])

    def _layer(self, name: str, state: str) -> None:
        part = self.known.setdefault(name, 0.0)
        if state.startswith(OVER):
            self.known[name] = 1.0
        elif sent := SENT.match(state):
            done = float(sent[1]) * UNITS[sent[2]]
            whole = float(sent[3]) * UNITS[sent[4]] if sent[3] else 0.0
            self.amounts[name] = max(done, self.amounts.get(name, 0.0))
            # docker says what a layer has unpacked, and its size only as far as it knows it
            self.known[name] = max(part, min(0.99, done / whole) if whole else 0.0)

    @property
    def over(self) -> int:
        return sum(part == 1 for part in self.known.values())

    @property
    def part(self) -> float:
        return sum(self.known.values()) / len(self.known) if self.known else 0.0

    @property
    def bytes(self) -> float:
        return sum(self.amounts.values())
