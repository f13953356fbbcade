"""What `byoa setup` deploys for a project: the names of everything, and the stack's requests.

All names derive from project, account and region, so that nothing must be looked up.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from byoa.plan import templates
from byoa.plan.names import checked, fitted

FUNCTIONS = ("build-image", "ingest-data", "preprocess-data", "train-model")
ROLES = (*FUNCTIONS, "jobs", "build", "machine", "events")
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
    """One project's stack, and what is in it, by name."""

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
        """CodeBuild's; `byoa build` makes one of its own, whose name never holds a "_"."""
        return f"{self.name}_image"

    @property
    def machine(self) -> str:
        return f"{self.name}-build-train-deploy"

    def function(self, kind: str) -> str:
        return f"{self.name}-{kind}"

    def role(self, kind: str) -> str:
        """IAM is one for all regions, so a role says which one it is for."""
        return f"{self.name}-{kind}-{self.region}"

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


def change_set_request(
    stack: str, name: str, template: str, parameters: Mapping[str, str], *, new: bool, project: str
) -> dict[str, Any]:
    """The dict for create_change_set: what would change, and nothing that does."""
    values = {
        "stack": stack, "name": name, "template": template, "type": "CREATE" if new else "UPDATE",
        "parameters": [
            {"ParameterKey": key, "ParameterValue": parameters[key]} for key in sorted(parameters)
        ],
        "tags": {"byoa:project": project},
    }  # fmt: skip
    return templates.request("cloudformation.CreateChangeSet", values)
