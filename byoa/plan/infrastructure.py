"""What `byoa setup` deploys for a project: the names of everything, and the stack's requests.

All names derive from project, account and region, so that nothing must be looked up.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byoa.plan import templates
from byoa.plan.names import checked, fitted

FUNCTIONS = ("build-image", "ingest-data", "preprocess-data", "train-model")
ROLES = (*FUNCTIONS, "jobs", "build", "machine", "events")
#: What outlives the stack, by its name in the template.
KEPT = ("Bucket", "Repository")
#: Below a project in the driver's bucket; no task has such a name.
PACKAGES = ".infrastructure/"
#: byoa-, this, -account-region are a bucket's 63 characters.
LONGEST = 28


def short(project: str) -> str:
    """The project's name as a bucket, a repository and a stack can have it; unlike any other's."""
    if len(project) <= LONGEST and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", project):
        return project
    mark = hashlib.sha256(checked(project, "project").encode()).hexdigest()[:6]
    return f"{fitted(project.lower())[: LONGEST - 7].rstrip('-')}-{mark}"


@dataclass(frozen=True, kw_only=True)
class Infrastructure:
    """One project's stack, and what is in it, by name.

    No project's name holds a "_": what begins with `byoa-cells_` is of the project cells alone.
    """

    project: str
    account: str
    region: str
    partition: str = "aws"

    @property
    def name(self) -> str:
        """byoa-cells: the stack, the repository, and how everything else begins."""
        return f"byoa-{short(self.project)}"

    @property
    def stack(self) -> str:
        return self.name

    @property
    def repository(self) -> str:
        return self.name

    @property
    def bucket(self) -> str:
        return f"{self.name}-{self.account}-{self.region}"

    @property
    def build_project(self) -> str:
        """CodeBuild's, of its own: the one of `byoa build` holds no "_"."""
        return f"{self.name}_image"

    @property
    def machine(self) -> str:
        return f"{self.name}_build-train-deploy"

    def function(self, kind: str) -> str:
        return f"{self.name}_{kind}"

    def role(self, kind: str) -> str:
        """IAM is one for all regions, so a role says which one it is for."""
        return f"{self.name}_{kind}-{self.region}"

    def role_arn(self, kind: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{self.role(kind)}"

    def function_arn(self, kind: str) -> str:
        return self._arn("lambda", f"function:{self.function(kind)}")

    @property
    def machine_arn(self) -> str:
        return self._arn("states", f"stateMachine:{self.machine}")

    @property
    def image(self) -> str:
        """The repository's address, to which a tag is added."""
        end = ".cn" if self.partition == "aws-cn" else ""
        host = f"{self.account}.dkr.ecr.{self.region}.amazonaws.com{end}"
        return f"{host}/{self.repository}"

    def _arn(self, service: str, what: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{what}"


@dataclass(frozen=True, kw_only=True)
class ChangeSet:
    """What is asked of CloudFormation: the template, and what its parameters are to be."""

    stack: str
    name: str
    template: str
    project: str
    parameters: Mapping[str, str]
    kept: Sequence[str] = ()  #: parameters that stay what they are
    new: bool = False
    revert_drift: bool = False
    take_up: bool = False  #: what an earlier stack has left


def change_set_request(wanted: ChangeSet) -> dict[str, Any]:
    """The dict for create_change_set: what would change, and nothing that does."""
    said: list[dict[str, Any]] = [
        {"ParameterKey": key, "ParameterValue": value}
        for key, value in sorted(wanted.parameters.items())
    ]
    said += [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(wanted.kept)]
    values = vars(wanted) | {
        "type": "CREATE" if wanted.new else "UPDATE", "parameters": said,
        "tags": {"byoa:project": wanted.project},
        "mode": "REVERT_DRIFT" if wanted.revert_drift else None,
        "takes_up": wanted.take_up or None,
    }  # fmt: skip
    return templates.request("cloudformation.CreateChangeSet", values)


def strangers(changes: Iterable[Mapping[str, Any]]) -> list[str]:
    """What CloudFormation would take up although no stack of ours has left it."""
    found = [one["ResourceChange"] for one in changes]
    return [
        f"{one['ResourceType'].removeprefix('AWS::')} {one.get('PhysicalResourceId', '')}".strip()
        for one in found
        if one["Action"] == "Import" and one["LogicalResourceId"] not in KEPT
    ]


def change_row(change: Mapping[str, Any]) -> dict[str, str]:
    """A row of what `byoa setup` shows before it does anything."""
    found = change["ResourceChange"]
    replaced = {"True": "replaced", "Conditional": "perhaps replaced"}
    details = {
        one["Target"].get("Name") or one["Target"].get("Attribute", "")
        for one in found.get("Details", ())
    }
    return {
        "action": "REMOVE" if found["Action"] == "Remove" else found["Action"].lower(),
        "what": found["LogicalResourceId"],
        "kind": found["ResourceType"].removeprefix("AWS::"),
        "name": found.get("PhysicalResourceId", ""),
        "how": replaced.get(found.get("Replacement", ""), "").upper()
        or ", ".join(sorted(filter(None, details))),
    }


def failure(events: Iterable[Mapping[str, Any]]) -> str:
    """Why a stack's operation failed: its first failed resource's own reason."""
    for event in sorted(events, key=lambda event: event["Timestamp"]):
        reason = event.get("ResourceStatusReason", "")
        status = event["ResourceStatus"]
        if status.endswith("_FAILED") and "cancelled" not in reason.lower():
            return f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason or status}"
    return ""


#: What to do about a reason, by what stands in it.
ADVICE = (
    (r"not authorized|AccessDenied|not have permission",
     "Ask whoever owns the account for the policy that `byoa setup --policy` prints"),
    (r"already exists|AlreadyExists",
     "Something of that name was not made by this stack: remove it or rename the project"),
    (r"[Ll]imit|[Qq]uota|TooMany",
     "Ask for a higher quota in Service Quotas, or remove what is old"),
    (r"not empty|NotEmpty", "Say --delete-data to remove what is in it, or empty it"),
)  # fmt: skip


def advised(reason: str) -> str:
    """The reason as a sentence, and what to do."""
    found = (words for pattern, words in ADVICE if re.search(pattern, reason))
    return f"{reason.strip().rstrip('.')}. {next(found, 'Mend that, then run byoa setup again')}."
