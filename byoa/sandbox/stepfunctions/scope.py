"""What a state can read: its input, the context object, variables; in either query language."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.sandbox.stepfunctions import intrinsics, jsonata, paths
from byoa.sandbox.stepfunctions.errors import StateError, runtime
from byoa.sandbox.stepfunctions.history import text


@dataclass
class Variables:
    """Names that Assign sets. A branch reads those around it and sets its own."""

    own: dict[str, Any] = field(default_factory=dict)
    outer: Variables | None = None

    def all(self) -> dict[str, Any]:
        return {**(self.outer.all() if self.outer else {}), **self.own}

    def get(self, name: str) -> Any:
        found = self.all()
        if name not in found:
            raise runtime(f"The variable '${name}' is not assigned.")
        return found[name]


@dataclass
class Scope:
    """One state at work."""

    state: Mapping[str, Any]
    input: Any
    context: dict[str, Any]
    variables: Variables
    jsonata: bool  #: its QueryLanguage
    entered: int = 0  #: the event with which it began

    def path(self, path: str, value: Any, at: str) -> Any:
        """What a path selects of a value, of the context object ($$) or of a variable."""
        try:
            start, steps = paths.parse(path)
            source = value
            if start == "$$":
                source = self.context
            elif len(start) > 1:
                source = self.variables.get(start[1:])
            return copy.deepcopy(paths.select(steps, source))
        except paths.NoPathError as problem:
            if str(problem) != "could not be found":
                raise runtime(f"Invalid path at '{at}': {problem}") from None
            if at in {"InputPath", "OutputPath"}:
                raise runtime(f"Invalid path '{path}' : No results for path: {path}") from None
            raise runtime(
                f"The JSONPath '{path}' specified for the field '{at}' "
                f"could not be found in the input '{text(value)}'"
            ) from None

    def template(self, template: Any, value: Any) -> Any:
        """A payload template filled in: every key that ends in .$ from a path or a function."""
        if isinstance(template, dict):
            return {
                name.removesuffix(".$"): self.given(name, inner, value)
                for name, inner in template.items()
            }
        if isinstance(template, list):
            return [self.template(item, value) for item in template]
        return template

    def given(self, name: str, inner: Any, value: Any) -> Any:
        if not name.endswith(".$"):
            return self.template(inner, value)
        if not isinstance(inner, str):
            raise runtime(f"The value for the field '{name}' must be a valid JSONPath")
        return self.dynamic(inner, value, name)

    def dynamic(self, said: str, value: Any, at: str) -> Any:
        """A path or an intrinsic function."""
        if said.startswith("$"):
            return self.path(said, value, at)
        return intrinsics.evaluate(said, lambda path: self.path(path, value, at))

    def fill(self, template: Any, at: str, **more: Any) -> Any:
        """A value with the JSONata in it evaluated; `more` is result or errorOutput."""
        states = {"input": self.input, "context": self.context, **more}
        return jsonata.fill(template, {**self.variables.all(), "states": states}, at)

    def number(self, name: str, default: Any = None) -> Any:
        """A field that may be a literal, a path (NAMEPath) or JSONata."""
        if f"{name}Path" in self.state:
            return self.path(self.state[f"{name}Path"], self.input, f"{name}Path")
        if name not in self.state:
            return default
        said = self.state[name]
        return self.fill(said, name) if self.jsonata else said

    # the way in and out of a state

    def effective_input(self) -> Any:
        if self.jsonata or "InputPath" not in self.state:
            return self.input
        said = self.state["InputPath"]
        return {} if said is None else self.path(said, self.input, "InputPath")

    def arguments(self, name: str = "Parameters") -> Any:
        """What a Task, Map or Pass works on."""
        if self.jsonata:
            given = self.state.get("Arguments")
            return self.input if given is None else self.fill(given, "Arguments")
        value = self.effective_input()
        return self.template(self.state[name], value) if name in self.state else value

    def assign(self, assign: Mapping[str, Any], value: Any, **more: Any) -> dict[str, Any]:
        """The variables that an Assign field sets: all from what was before, then at once."""
        if not assign:
            return {}
        found = (
            self.fill(assign, "Assign", **more) if self.jsonata else self.template(assign, value)
        )
        self.variables.own.update(found)
        return dict(found)

    def output(self, result: Any) -> tuple[Any, dict[str, Any]]:
        """The state's output after its work gave `result`, and what it assigned."""
        assign = self.state.get("Assign") or {}
        if self.jsonata:
            said = self.state.get("Output", MISSING)
            made = result if said is MISSING else self.fill(said, "Output", result=result)
            return made, self.assign(assign, None, result=result)
        assigned = self.assign(assign, result)
        if "ResultSelector" in self.state:
            result = self.template(self.state["ResultSelector"], result)
        made = self.put(self.state.get("ResultPath", "$"), result)
        return self.output_path(made), assigned

    def output_path(self, value: Any) -> Any:
        said = self.state.get("OutputPath", "$")
        return {} if said is None else self.path(said, value, "OutputPath")

    def put(self, where: str | None, result: Any) -> Any:
        """ResultPath: the input, with the result at a place in it."""
        if where is None:
            return self.input
        try:
            return paths.place(where, self.input, result)
        except paths.NoPathError as problem:
            cause = f"Unable to apply ResultPath '{where}' to input '{text(self.input)}': {problem}"
            raise StateError("States.ResultPathMatchFailure", cause) from None


MISSING: Any = object()
