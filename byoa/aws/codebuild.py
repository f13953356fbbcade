"""CodeBuild: runs buildspec.yml of a source archive on AWS's machine and tells what it says."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from byoa.aws.logs import follow
from byoa.aws.role import retry_until_assumable
from byoa.plan.codebuild import BuildProject, build_project_request, start_build_request
from byoa.plan.errors import JobFailedError

if TYPE_CHECKING:
    from byoa.aws.session import Session


def ensure_project(session: Session, project: BuildProject) -> None:
    """Makes the project or brings it up to date; a new role may take a while to be known."""
    codebuild = session.client("codebuild")
    wanted = build_project_request(project)
    found = codebuild.batch_get_projects(names=[project.name])["projects"]
    if found:
        if not all(_holds(found[0].get(key), value) for key, value in wanted.items()):
            retry_until_assumable(lambda: codebuild.update_project(**wanted))
        return
    try:
        retry_until_assumable(lambda: codebuild.create_project(**wanted))
    except codebuild.exceptions.ResourceAlreadyExistsException:
        pass  # a second driver was faster


def _holds(found: Any, wanted: Any) -> bool:
    """Whether what is there says all that is wanted; AWS adds defaults of its own."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            _holds(found.get(key), value) for key, value in wanted.items()
        )
    return bool(found == wanted)


def build(
    session: Session,
    project: str,
    source: str,
    environment: Mapping[str, str],
    say: Callable[[str], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Starts a build and tells its phases and lines until it is over; JobFailedError if badly."""
    codebuild = session.client("codebuild")
    request = start_build_request(project, source, environment)
    started = codebuild.start_build(**request)["build"]
    say(f"build {started['id']} of {source}")
    told: set[str] = set()
    state: dict[str, Any] = {}

    def ended() -> bool:
        state.update(codebuild.batch_get_builds(ids=[started["id"]])["builds"][0])
        for phase in state.get("phases", ()):
            if phase.get("phaseStatus") and phase["phaseType"] not in told:
                told.add(phase["phaseType"])
                say(f"{phase['phaseType']}: {phase['phaseStatus']}")
        return bool(state["buildStatus"] != "IN_PROGRESS")

    try:
        while not ended() and "streamName" not in state.get("logs", {}):
            sleep(2.0)
        if stream := state.get("logs", {}).get("streamName"):
            group = state["logs"]["groupName"]
            for line in follow(session.client("logs"), group, stream, ended, sleep=sleep):
                say(line.text)
    except KeyboardInterrupt:
        codebuild.stop_build(id=started["id"])
        say(f"build {started['id']} is told to stop")
        raise
    if state["buildStatus"] != "SUCCEEDED":
        raise JobFailedError(_failure(state))


def _failure(state: Mapping[str, Any]) -> str:
    """The phase that failed and CodeBuild's own words about it."""
    for phase in state.get("phases", ()):
        if phase.get("phaseStatus") not in (None, "SUCCEEDED"):
            said = "; ".join(one.get("message", "") for one in phase.get("contexts", ()))
            return (
                f"The build {state['id']} ended in its phase {phase['phaseType']}"
                f" ({phase['phaseStatus']}){': ' + said if said else ''}. Its last lines are above."
            )
    return f"The build {state['id']} is {state['buildStatus']}. Its log says more."
