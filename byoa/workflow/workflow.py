"""A workflow in Python, with the methods of AWS's Step Functions Data Science SDK.

from byoa.workflow import Chain, TrainingStep, Workflow
workflow = Workflow(name="faces", definition=Chain([…]))     # its role is made when it is created
workflow.create()
workflow.execute(inputs={…}).get_output(wait=True)
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byoa.aws import statemachines
from byoa.plan.errors import UsageError
from byoa.plan.workflow import picture
from byoa.plan.workflow.chain import Definition, Graph
from byoa.plan.workflow.inputs import schema_of, with_schema
from byoa.plan.workflow.schema import Schema
from byoa.progress import say
from byoa.settings import load
from byoa.workflow import deployment, removal, runs
from byoa.workflow.deployment import Outcome
from byoa.workflow.home import Home, open_home
from byoa.workflow.machine import Wanted

if TYPE_CHECKING:
    from byoa.workflow.execution import Execution

Tags = Mapping[str, str] | Iterable[Mapping[str, str]]
Folders = Mapping[str, str | os.PathLike[str]]


class Workflow:
    """A state machine: what it is to be, and what is done with it on AWS or in the sandbox.

    `definition` is a Chain, a state or a definition as a dict. Without `role` the workflow gets
    one of its own that may just what its states need. `settings` are byoa.toml's: project, on …
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the SDK's
        self,
        name: str,
        definition: Any,
        role: str | None = None,
        tags: Tags = (),
        execution_input: Any = None,
        timeout_seconds: int | None = None,
        comment: str | None = None,
        version: str | None = None,
        state_machine_arn: str | None = None,
        format_json: bool = True,
        client: Any = None,
        *,
        log_level: str = "OFF",
        tracing: bool = False,
        home: Home | None = None,
        **settings: str,
    ) -> None:
        self.name = name
        self.role = role or ""
        self.tags = tags_of(tags)
        self.log_level, self.tracing = log_level, tracing
        self.state_machine_arn = state_machine_arn
        self.format_json = format_json
        top = {"Comment": comment, "TimeoutSeconds": timeout_seconds, "Version": version}
        self._top = {key: value for key, value in top.items() if value is not None}
        self._schema: Schema | None = getattr(execution_input, "schema", execution_input)
        self._written = definition
        self._client, self._settings, self._home = client, settings, home

    @property
    def definition(self) -> Definition:
        """The definition as it is sent: plain, with the input's schema in its Comment."""
        made = plain(self._written, self._top)
        return Definition(with_schema(made, self._schema) if self._schema is not None else made)

    @property
    def schema(self) -> dict[str, Any]:
        """Names and types of the input; {} = any input."""
        return schema_of(self.definition)

    @property
    def home(self) -> Home:
        """AWS or the sandbox, opened when it is first needed."""
        if self._home is None:
            self._home = open_home(load(None, self._settings), self._client)
        return self._home

    def wanted(self, publish: str | None = None) -> Wanted:
        return Wanted(
            name=self.name, definition=self.definition, role=self.role, tags=self.tags,
            log_level=self.log_level, tracing=self.tracing, version=publish,
            adopted=self.state_machine_arn is not None,
        )  # fmt: skip

    def create(self, publish: str | None = None) -> str:
        """Makes it on Step Functions and answers its ARN; one that is there stays as it is."""
        done = deployment.create(self.home, self.wanted(publish))
        if done.action == "unchanged" and done.changes:
            differs = "; ".join(done.changes)
            say(f"The workflow {self.name} is there and differs: {differs}. update() changes it.")
        return self._known(done)

    def update(
        self,
        definition: Any = None,
        role: str | None = None,
        tags: Tags | None = None,
        publish: str | None = None,
    ) -> str:
        """Brings what is there to what is wanted, and answers its ARN."""
        self._written = self._written if definition is None else definition
        self.role = self.role if role is None else role
        self.tags = self.tags if tags is None else tags_of(tags)
        return self._known(deployment.update(self.home, self.wanted(publish)))

    def _known(self, done: Outcome) -> str:
        self.state_machine_arn = done.arn
        return done.arn

    def execute(
        self,
        name: str | None = None,
        inputs: Any = None,
        *,
        upload: Folders | None = None,
        zip: Folders | None = None,  # noqa: A002 - the command's word
    ) -> Execution:
        """Starts an execution; its input is held against the schema first.

        Files and folders of this machine, by the input that is to be their address, are sent to
        the project's bucket before: `upload` as they are, `zip` as one archive to build from.
        """
        from byoa.workflow.execution import Execution

        given = {} if inputs is None else inputs
        if upload or zip:
            given = {**given, **self._sent(upload or {}, zip or {})}
        return Execution.of(self, runs.start(self.home, self._address, given, name or ""))

    def _sent(self, files: Folders, folders: Folders) -> dict[str, str]:
        """The addresses of what was sent, by the names of inputs."""
        from byoa.workflow.uploads import Uploads

        found = self.home.machine(self._address)
        uploads = Uploads(self.home, load(None, self._settings), found)
        sent = {name: uploads.send(name, Path(path)) for name, path in files.items()}
        return sent | {name: uploads.send_zip(name, Path(path)) for name, path in folders.items()}

    @property
    def _address(self) -> str:
        return self.state_machine_arn or self.name

    def list_executions(
        self, max_items: int = 100, status_filter: str | None = None, html: bool = False
    ) -> list[Execution]:
        """The newest ones first. `html` is the SDK's: a list prints itself."""
        from byoa.workflow.execution import Execution

        arn = self.state_machine_arn or self.home.arn(self.name)
        found = statemachines.executions(self.home.states, arn, status_filter or "", max_items)
        return [Execution.of(self, one) for one in found]

    @classmethod
    def list_workflows(
        cls, max_items: int = 100, client: Any = None, html: bool = False, **settings: str
    ) -> list[dict[str, Any]]:
        """Every state machine of the account and region, as AWS describes it."""
        home = open_home(load(None, settings), client)
        found = list(statemachines.machines(home.states))
        return found[:max_items]

    @classmethod
    def attach(cls, state_machine_arn: str, client: Any = None, **settings: str) -> Workflow:
        """The workflow of a state machine that is there, by its ARN or name."""
        home = open_home(load(None, settings), client)
        return cls.of(home, home.machine(state_machine_arn))

    @classmethod
    def of(cls, home: Home, found: Mapping[str, Any]) -> Workflow:
        """The workflow of describe_state_machine's answer."""
        logging = found.get("loggingConfiguration", {})
        return cls(
            name=found["name"],
            definition=deployment.definition_of(found),
            role=found["roleArn"],
            tags=statemachines.tags(home.states, found["stateMachineArn"]),
            state_machine_arn=found["stateMachineArn"],
            log_level=logging.get("level", "OFF"),
            tracing=bool(found.get("tracingConfiguration", {}).get("enabled")),
            home=home,
        )

    def delete(self, force: bool = False) -> None:
        """Deletes it and what byoa made for it; refused while executions run, but with `force`."""
        removal.delete(self.home, self._address, force, adopted=self.state_machine_arn is not None)
        self.state_machine_arn = None

    def render_graph(self, portrait: bool = False) -> Graphic:
        """The picture; a notebook shows it, str() is the SVG."""
        return Graphic(picture.svg(self.definition, title=self.name))

    def get_cloudformation_template(self, description: str | None = None) -> str:
        """A template with the workflow and its role, as JSON, which is YAML, too."""
        from byoa.plan.workflow.cloudformation import template

        made = template(self.definition, name=self.name, tags=self.tags, tracing=self.tracing)
        return json.dumps({**made, "Description": description or made["Description"]}, indent=2)

    def __repr__(self) -> str:
        return f"Workflow(name={self.name!r}, state_machine_arn={self.state_machine_arn!r})"


class Graphic(str):
    """A picture as SVG text that notebooks draw."""

    def _repr_svg_(self) -> str:
        return str(self)


def plain(written: Any, top: Mapping[str, Any]) -> dict[str, Any]:
    """Any form of a definition as a dict, with the fields of the top level laid over it."""
    if isinstance(written, str):
        written = json.loads(written)
    if not isinstance(written, Mapping):
        written = (written if hasattr(written, "branch") else Graph(written)).to_dict()
    rest = {key: item for key, item in written.items() if key not in top}
    return {**top, **rest}


def tags_of(tags: Tags) -> dict[str, str]:
    """A mapping of any of AWS's spellings: {k: v}, [{"key": …}], [{"Key": …}]."""
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    made = {}
    for one in tags:
        small = {key.lower(): value for key, value in one.items()}
        if small.keys() != {"key", "value"}:
            raise UsageError(f'The tag {dict(one)!r} is none. Write {{"key": …, "value": …}}.')
        made[str(small["key"])] = str(small["value"])
    return made
