"""A build's course through its phases, in a thread of its own.

A failed install or pre_build ends the build; after a failed build phase post_build still runs, and
artifacts are tried; `finally` always runs.
https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
"""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byoa.plan.errors import error_code
from byoa.plan.storage import Storage
from byoa.sandbox import sweep
from byoa.sandbox.codebuild import artifacts, buildspec, source, variables
from byoa.sandbox.codebuild.build import BEFORE, BuildRecord
from byoa.sandbox.codebuild.buildspec import Buildspec, BuildspecError, Phase
from byoa.sandbox.codebuild.commands import Shell, StoppedError
from byoa.sandbox.codebuild.log import BuildLog
from byoa.sandbox.codebuild.source import SourceError
from byoa.sandbox.codebuild.variables import Resolver

#: Every process of a build carries its id; what is left of them is ended with it.
MARK = "BYOA_BUILD"


@dataclass(frozen=True)
class Around:
    """What a build works with."""

    storage: Storage
    resolver: Resolver
    environment: Mapping[str, str]
    folder: Path  #: of this build alone
    docker_config: Path


class Course:
    """Carries one build out."""

    def __init__(self, record: BuildRecord, log: BuildLog, around: Around) -> None:
        self.record, self.log, self.around = record, log, around
        self.source = around.folder / "src"
        self.shell: Shell | None = None
        self.stop_asked = False
        self.end = time.monotonic() + record.fields["timeoutInMinutes"] * 60
        self.failed = ""  #: SUCCEEDED's opposite, once a phase went wrong

    def run(self) -> None:
        """From SUBMITTED to COMPLETED; never raises."""
        fields: dict[str, Any] = {}
        try:
            spec = self.prepare()
            if spec is not None:
                self.phases(spec)
                fields = self.after(spec)
        except StoppedError:
            self.failed = "STOPPED" if self.stop_asked else "TIMED_OUT"
            self.record.leave(self.failed, "", self.failed.lower().replace("_", " "))
        except Exception as error:  # ours, not the build's
            traceback.print_exc()
            self.fail("INTERNAL_ERROR", f"{type(error).__name__}: {error}", "FAULT")
        self.tidy()
        self.record.enter("FINALIZING")
        self.log.say(f"Build {self.failed or 'SUCCEEDED'}")
        self.record.finish(self.failed or "SUCCEEDED", **fields)

    def stop(self) -> None:
        self.stop_asked = True
        if self.shell is not None:
            self.shell.stop()

    def fail(self, code: str, message: str, status: str = "FAILED") -> None:
        self.failed = self.failed or status
        self.record.leave(status, code, self.log.hidden(message))
        self.log.say(f"Phase context status code: {code} Message: {message}")

    def prepare(self) -> Buildspec | None:
        """The source, the buildspec and the shell; None when one of them cannot be had."""
        for phase in (*BEFORE[1:], "DOWNLOAD_SOURCE"):
            self.record.enter(phase)
        given = self.record.fields["source"]
        self.log.say("Waiting for DOWNLOAD_SOURCE")
        try:
            source.fetch(given, self.around.storage, self.source)
            text = source.buildspec_text(given, self.around.storage, self.source)
            spec = buildspec.parse(text)
            self.start_shell(spec)
        except SourceError as error:
            self.fail(error.code, str(error))
            return None
        except BuildspecError as error:
            self.fail("YAML_FILE_ERROR", f"the buildspec: {error}")
            return None
        except Exception as error:
            if not error_code(error):
                raise
            self.fail("CLIENT_ERROR", f"an environment variable cannot be read: {error}")
            return None
        image = self.record.fields["environment"]["image"]
        self.log.say(f"In the sandbox a build runs on this machine; {image} is not started")
        for name in spec.left_aside:
            self.log.say(f"The sandbox leaves {name} aside")
        return spec

    def start_shell(self, spec: Buildspec) -> None:
        requested = self.record.fields["environment"].get("environmentVariables", [])
        found = variables.collect(spec, requested, self.around.resolver)
        for secret in found.secrets:
            self.log.hide(secret)
        around = variables.surroundings(
            self.record.fields, self.source, self.around.docker_config, self.around.environment
        )
        around.update(found.values, **{MARK: self.record.fields["id"]})
        self.secret_names = {name for name, value in found.values.items() if value in found.secrets}
        self.shell = Shell(self.around.folder / "shell", self.source, around, spec.shell)
        if self.stop_asked:
            self.shell.stop()

    def phases(self, spec: Buildspec) -> None:
        named = {phase.name: phase for phase in spec.phases}
        for name in buildspec.PHASES:
            went_well = self.phase(named.get(name, Phase(name)))
            if not went_well and name in {"install", "pre_build"}:
                return

    def phase(self, phase: Phase) -> bool:
        """Runs a phase's commands; whether the build may go on."""
        word = phase.name.upper()
        self.record.enter(word)
        self.log.say(f"Entering phase {word}")
        failed = self.commands(phase.commands) or ""
        failed = self.commands(phase.finally_) or failed
        self.log.say(f"Phase complete: {word} State: {'FAILED' if failed else 'SUCCEEDED'}")
        if not failed:
            return True
        if phase.goes_on:
            self.record.leave("FAILED", "COMMAND_EXECUTION_ERROR", self.log.hidden(failed))
            return True
        self.fail("COMMAND_EXECUTION_ERROR", failed)
        return False

    def commands(self, commands: tuple[str, ...]) -> str:
        """Runs them until one fails; which one did, and how."""
        assert self.shell is not None
        for command in commands:
            self.shell.succeeding = not self.failed
            self.log.say(f"Running command {command}")
            code = self.shell.run(command, self.log.line, self.end)
            if code:
                # a signal's number is the code's 128 and more, as a shell counts
                shown = code if code > 0 else 128 - code
                self.log.say(f"Command did not exit successfully {command} exit status {shown}")
                return f"Error while executing command: {command}. Reason: exit status {shown}"
        return ""

    def after(self, spec: Buildspec) -> dict[str, Any]:
        """Artifacts, which are tried even of a build that failed, and the exported variables."""
        assert self.shell is not None
        exported = [{"name": name, "value": self.exported(name)} for name in spec.exported]
        self.record.enter("UPLOAD_ARTIFACTS")
        fields: dict[str, Any] = {"exportedEnvironmentVariables": exported} if exported else {}
        try:
            project = self.record.fields.get("artifactsOf", {})
            build = self.record.fields["id"].rpartition(":")[2]
            made = artifacts.upload(
                spec.artifacts, project, build, self.source, self.around.storage
            )
            if made:
                fields["artifacts"] = made
        except Exception as error:
            if not isinstance(error, artifacts.ArtifactsError) and not error_code(error):
                raise
            self.fail("CLIENT_ERROR", str(error))
        return fields

    def exported(self, name: str) -> str:
        assert self.shell is not None
        return "***" if name in self.secret_names else self.shell.value(name)

    def tidy(self) -> None:
        """Nothing that a command left in the background outlives the build; nor do its files."""
        sweep.end_processes(f"{MARK}={self.record.fields['id']}", seconds=2.0)
        shutil.rmtree(self.around.folder, ignore_errors=True)
