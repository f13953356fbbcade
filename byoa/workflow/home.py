"""Where workflows live: Step Functions on AWS or in the sandbox, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.aws import statemachines
from byoa.aws.session import Session
from byoa.place import LOCAL, PLACES, default_place, enter_sandbox
from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.workflow.requests import PROJECT, Names
from byoa.settings import Settings, load


@dataclass(frozen=True)
class Home:
    """Step Functions, a project's name ("" = none), and the tags that all its things get."""

    on: str  #: sagemaker or sandbox
    session: Session
    project: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    client: Any = None  #: boto3's client of stepfunctions, if it is not the session's own

    @property
    def states(self) -> Any:
        return self.client or self.session.client("stepfunctions")

    @property
    def where(self) -> dict[str, str]:
        """Account, region and partition, as policies want them."""
        session = self.session
        return {
            "account": session.account, "region": session.region, "partition": session.partition,
        }  # fmt: skip

    @property
    def said(self) -> str:
        """What a command that is proposed needs, to find the same place."""
        return " --on sandbox" if self.on == "sandbox" else ""

    def arn(self, name: str, kind: str = "stateMachine") -> str:
        partition, region, account = (self.where[k] for k in ("partition", "region", "account"))
        return f"arn:{partition}:states:{region}:{account}:{kind}:{name}"

    def names(self, workflow: str) -> Names:
        if not self.project:
            raise UsageError(
                "No project is named, and what is made for a workflow is named and tagged after"
                " one. Give --project NAME, or name in byoa.toml."
            )
        return Names(self.project, workflow)

    def find(self, name: str) -> dict[str, Any] | None:
        """A machine by its name or ARN."""
        arn = name if name.startswith("arn:") else self.arn(name)
        return statemachines.find(self.states, arn)

    def machine(self, name: str) -> dict[str, Any]:
        """As `find`; NotFoundError says what there is."""
        found = self.find(name)
        if found is None:
            known = [one["name"] for one in statemachines.machines(self.states)]
            hint = f"There is {', '.join(sorted(known)[:10])}." if known else "There is none yet."
            raise NotFoundError(
                f"There is no workflow {name} on {self.on}. {hint}"
                " `byoa workflow create FILE` makes one."
            )
        if found.get("type") == "EXPRESS":
            raise UsageError(
                f"The workflow {found['name']} is an Express one, which keeps no history and cannot"
                " wait for jobs. byoa works with Standard workflows."
            )
        return found

    def is_ours(self, tags: Mapping[str, str]) -> bool:
        return bool(self.project) and tags.get(PROJECT) == self.project


def open_home(settings: Settings | None = None, client: Any = None) -> Home:
    """The home that the settings (or byoa.toml) name; docker and process have no Step Functions."""
    settings = settings or load()
    on = settings.on or default_place(settings)
    if on not in PLACES or on in LOCAL:
        raise UsageError(
            f"Workflows need Step Functions, which {on} has not got. Say --on sagemaker (AWS), or"
            " --on sandbox after `byoa sandbox up`: it runs them on this machine."
        )
    if on == "sandbox":
        enter_sandbox()
    session = Session(settings.region, settings.profile if on == "sagemaker" else "")
    return Home(on, session, settings.project, dict(settings.tags), client)
