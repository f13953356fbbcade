"""YAML read once, fast and safely: plain values with their lines, no objects, no bombs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.pipeline.table import Table

#: A document of 10,000 tasks has some 100,000 values; aliases count each time.
MOST_VALUES = 5_000_000
MOST_DEPTH = 100


def read(path: Path) -> Any:
    """A YAML file's value; UsageError says what it is not."""
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from None


def parse(text: str, name: str = "the text") -> Any:
    """YAML's value, mappings as Tables; None for an empty document."""
    import yaml

    loader_class = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        loader = loader_class(text)
        try:
            return Reader(yaml, loader, name).document()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        braces = (
            ' A value that begins with {{ needs quotes: key: "{{name}}".' if "{{" in text else ""
        )
        raise UsageError(f"{name} is no YAML: {on_one_line(error)}.{braces}") from None
    except RecursionError:
        raise UsageError(f"{name} nests too deep.") from None


def on_one_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return f"{said} in line {mark.line + 1}" if mark else str(said)


class Reader:
    """Builds values from the C parser's events: a third of the time of its own constructor."""

    def __init__(self, yaml: Any, loader: Any, name: str) -> None:
        self.loader, self.name = loader, name
        self.constructor = yaml.constructor.SafeConstructor()
        self.resolvers: dict[str, Any] = yaml.SafeLoader.yaml_implicit_resolvers
        self.scalar_node = yaml.ScalarNode
        self.error = yaml.constructor.ConstructorError
        self.next = loader.get_event
        events = yaml.events
        self.scalar_event = events.ScalarEvent
        self.mapping_event, self.mapping_end = events.MappingStartEvent, events.MappingEndEvent
        self.sequence_event, self.sequence_end = events.SequenceStartEvent, events.SequenceEndEvent
        self.alias_event, self.stream_end = events.AliasEvent, events.StreamEndEvent
        self.document_end = events.DocumentEndEvent
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.count = 0

    def document(self) -> Any:
        self.next()  # the stream's start
        if isinstance(self.next(), self.stream_end):
            return None
        made = self.value(self.next(), 0)
        self.next()
        if not isinstance(self.next(), self.stream_end):
            raise UsageError(f"{self.name} holds several documents; one is read.")
        return made

    def value(self, event: Any, depth: int) -> Any:
        self.count += 1
        if self.count > MOST_VALUES or depth > MOST_DEPTH:
            raise UsageError(f"{self.name} holds too much, or its aliases (*name) unfold to it.")
        if isinstance(event, self.scalar_event):
            made = self.scalar(event)
            if event.anchor:
                self.anchors[event.anchor] = (made, 1)
            return made
        if isinstance(event, self.alias_event):
            return self.alias(event)
        before = self.count
        build = self.mapping if isinstance(event, self.mapping_event) else self.sequence
        made = build(event, depth + 1)
        if event.anchor:
            self.anchors[event.anchor] = (made, self.count - before + 1)
        return made

    def alias(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            raise self.error(
                None, None, f"no anchor &{event.anchor} before *{event.anchor}", event.start_mark
            )
        made, size = self.anchors[event.anchor]
        self.count += size
        if self.count > MOST_VALUES:
            raise UsageError(f"{self.name} holds too much: its aliases (*name) unfold to it.")
        return made

    def scalar(self, event: Any) -> Any:
        text, tag = event.value, event.tag
        if tag is None or tag == "!":
            if not event.implicit[0] or tag == "!":
                return text
            rules = self.resolvers.get(text[:1], ())
            tag = next((one for one, pattern in rules if pattern.match(text)), None)
            if tag is None or tag.endswith(":merge"):
                return text
        node = self.scalar_node(tag, text, event.start_mark, event.end_mark)
        try:
            return self.constructor.construct_object(node)
        except ValueError as error:  # 2001-99-99, !!int x
            raise self.error(
                None, None, f"{text!r} is no value ({error})", event.start_mark
            ) from None
        finally:
            self.constructor.constructed_objects.clear()

    def sequence(self, event: Any, depth: int) -> list[Any]:
        self.only_plain(event, "seq")
        made = []
        while not isinstance(inner := self.next(), self.sequence_end):
            made.append(self.value(inner, depth))
        return made

    def mapping(self, event: Any, depth: int) -> Table:
        self.only_plain(event, "map")
        made = Table(event.start_mark.line + 1)
        merged: list[Any] = []
        while not isinstance(inner := self.next(), self.mapping_end):
            line = inner.start_mark.line + 1
            key = self.value(inner, depth)
            if isinstance(key, bool):  # `on:` is a key like any other, whatever YAML 1.1 says
                key = inner.value
            if not isinstance(key, (str, int, float, bool, type(None))):
                raise self.error(None, None, f"{key!r} is no key", inner.start_mark)
            value = self.value(self.next(), depth)
            if key == "<<" and inner.__class__ is self.scalar_event and inner.implicit[0]:
                merged += value if isinstance(value, list) else [value]
                continue
            if key in made:
                raise self.error(None, None, f"the key {key!r} is there twice", inner.start_mark)
            made[key] = value
            made.lines[key] = line
        for other in merged:
            if not isinstance(other, Table):
                raise self.error(None, None, "<<: takes a mapping", event.start_mark)
            for key in other:
                if key not in made:
                    made[key] = other[key]
                    made.lines[key] = other.line_of(key)
        return made

    def only_plain(self, event: Any, kind: str) -> None:
        if event.tag not in {None, "!", f"tag:yaml.org,2002:{kind}"}:
            raise self.error(None, None, f"the tag {event.tag} is not read", event.start_mark)
