"""`byoa setup`: a project's stack planned, shown, and brought to AWS.

Everything is uploaded by content to the driver's own bucket first; then CloudFormation is asked
what would change, and only when somebody agrees is it done.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from byoa.aws.bucket import ensure_bucket
from byoa.aws.infrastructure import data, names
from byoa.aws.stack import Stack
from byoa.functions import Package, infrastructure, packages
from byoa.place import Place
from byoa.plan.advice import explain
from byoa.plan.bucket import default_bucket
from byoa.plan.errors import ByoaError, UsageError
from byoa.plan.infrastructure import (
    PACKAGES,
    ChangeSet,
    Infrastructure,
    change_row,
    change_set_request,
    strangers,
)
from byoa.plan.layout import ProjectPlace

DEFINITION = "build-train-deploy.asl.json"
#: A stack of these is no use any more: it is removed and made anew.
EMPTY = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}
Agreed = Callable[[list[dict[str, str]]], bool]


@dataclass
class Setup:
    """One project's stack in one place."""

    place: Place
    project: str
    parameters: Mapping[str, str]  #: of the template, those that were given
    say: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep
    uploads: dict[str, bytes] = field(default_factory=dict, init=False)  #: by address

    def __post_init__(self) -> None:
        if self.place.session is None:
            raise UsageError(
                f"The infrastructure is AWS's, and {self.place.name} has none. Say --on sagemaker,"
                " or --on sandbox for AWS on this machine."
            )

    @cached_property
    def names(self) -> Infrastructure:
        return names(self.place.session, self.project)

    @cached_property
    def stack(self) -> Stack:
        client = self.place.session.client("cloudformation")
        return Stack(client, self.names.stack, self.say, self.sleep)

    @property
    def code_bucket(self) -> str:
        return default_bucket(self.names.account, self.names.region)

    def request(self, found: Mapping[str, Any] | None, drifted: bool = False) -> dict[str, Any]:
        """The dict for create_change_set, and in `uploads` what it speaks of."""
        folder = infrastructure()
        definition = (folder / DEFINITION).read_bytes()
        said = {"Project": self.project, "Name": self.names.name, "CodeBucket": self.code_bucket}
        said |= {parameter(one): self._put(one.data, ".zip") for one in packages()}
        said |= {"DefinitionKey": self._put(definition, ".asl.json"), **self.parameters}
        kept = {one["ParameterKey"] for one in (found or {}).get("Parameters", ())} - said.keys()
        template = (folder / "template.yml").read_text(encoding="utf-8")
        check(template, said)
        refuse_lonely_suffix(said, found)
        mark = hashlib.sha256(repr((template, sorted(said.items()))).encode()).hexdigest()[:12]
        wanted = ChangeSet(
            stack=self.names.stack, name=f"byoa-{mark}", template=template, parameters=said,
            kept=[key for key in kept if f"\n  {key}:" in template], project=self.project,
            new=found is None, revert_drift=drifted, take_up=found is None and self.left(),
        )  # fmt: skip
        return change_set_request(wanted)

    def _put(self, data: bytes, end: str) -> str:
        """The key of something that is uploaded by content."""
        home = ProjectPlace(f"s3://{self.code_bucket}", self.project).uri
        uri = f"{home}{PACKAGES}{hashlib.sha256(data).hexdigest()}{end}"
        self.uploads[uri] = data
        return uri.partition(f"{self.code_bucket}/")[2]

    def run(self, agreed: Agreed) -> dict[str, str] | None:
        """The stack's outputs; None when nobody agreed."""
        found = self.ready()
        drift = self.drift() if found else []
        request = self.request(found, bool(drift))
        self.upload()
        changes = self.stack.change_set(request)
        if changes is None:
            self.say(f"{self.names.stack} is up to date")
            return outputs(self.stack.find())
        if odd := strangers(changes):
            self.stack.drop(request)
            raise ByoaError(
                f"{', '.join(odd)}: that is there already, and was not made by a stack of this"
                " project. Remove it, or rename the project."
            )
        if not agreed([change_row(one) for one in changes]):
            self.stack.drop(request)
            return None
        return self.stack.apply(request, len(changes))

    def left(self) -> bool:
        """Whether an earlier stack's bucket or repository is there."""
        session = self.place.session
        known: list[str] = []
        return bool([*data(session, self.project, False, known.append)] or known)

    def drift(self) -> list[str]:
        """What was changed by hand, told; that nobody could look ends nothing."""
        try:
            found = self.stack.drift()
        except Exception as error:
            told = explain(error)
            if told is None:
                raise
            self.say(f"drift could not be looked for: {told}")
            return []
        for sentence in found:
            self.say(f"drift: {sentence}")
        return found

    def ready(self) -> Mapping[str, Any] | None:
        """The stack as it is, None when it is to be made; what holds nothing is removed."""
        found = self.stack.find()
        status = found["StackStatus"] if found else ""
        if status not in ("", "REVIEW_IN_PROGRESS") and not self.owns(found or {}):
            raise ByoaError(
                f"The stack {self.names.stack} is not this project's: it has no tag"
                f" byoa:project={self.project}. Rename the project, or remove that stack."
            )
        if status in EMPTY:
            self.say(
                f"{self.names.stack} is {status}: what is left of it goes, then it is made anew"
            )
            self.stack.delete()
            return None
        if status == "REVIEW_IN_PROGRESS":  # a change set that nobody applied
            return None
        if status.endswith(("_IN_PROGRESS", "ROLLBACK_FAILED")):
            raise ByoaError(
                f"The stack {self.names.stack} is {status}. Wait until it rests, or have it go on"
                " in CloudFormation's console, then run byoa setup again."
            )
        return found

    def owns(self, found: Mapping[str, Any]) -> bool:
        return {"Key": "byoa:project", "Value": self.project} in found.get("Tags", ())

    def upload(self) -> None:
        """What is not there yet: equal content has an equal address."""
        ensure_bucket(self.place.session, self.code_bucket, {"byoa:project": self.project})
        storage = self.place.storage
        for uri, content in self.uploads.items():
            if storage.write(uri, content, only_new=True):
                self.say(f"uploaded {uri} ({len(content) / 1e6:.2f} MB)")


def parameter(package: Package) -> str:
    """BuildImageKey: the template's parameter that says where a function's package is."""
    return "".join(word.capitalize() for word in package.kind.split("-")) + "Key"


def outputs(found: Mapping[str, Any] | None) -> dict[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in (found or {}).get("Outputs", ())}


def check(template: str, said: Mapping[str, str]) -> None:
    """UsageError for a parameter that the template has not."""
    block = template.partition("\nParameters:\n")[2].partition("\nConditions:")[0]
    known = [line.strip().partition(":")[0] for line in block.splitlines() if line[2:3].isalpha()]
    for key in said:
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"It has {', '.join(known)}."
            raise UsageError(f"The template has no parameter {key!r}. {hint}")


def refuse_lonely_suffix(said: Mapping[str, str], found: Mapping[str, Any] | None) -> None:
    """UsageError for an end of names without a folder to look at: nothing would ever start."""
    now = {
        one["ParameterKey"]: one["ParameterValue"] for one in (found or {}).get("Parameters", ())
    }
    if said.get("TriggerSuffix") and not {**now, **said}.get("TriggerPrefix"):
        raise UsageError(
            f"--trigger-suffix {said['TriggerSuffix']!r} says which uploads of a folder start the"
            " workflow, and no folder is named. Add --trigger-prefix incoming/data/."
        )
