"""What an execution writes to S3 and builds: so that no trigger starts a workflow by its own doing.

An address that is made at run time is known as far as its words go: States.Format('s3://b/out/{}',
…) writes below s3://b/out/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from byoa.plan.workflow.walk import Place, every_state

#: Fields of requests that name where something is written; of every service that has them.
WRITTEN = {
    "S3OutputPath", "S3FailurePath", "DestinationS3Uri", "OutputUri", "OutputS3Uri", "S3OutputUri",
    "Target", "OutputPath",
}  # fmt: skip
#: An S3Uri is an input or an output: these objects around it make it one.
OUTPUTS = {
    "S3Output", "OutputConfig", "OutputDataConfig", "CheckpointConfig", "TransformOutput",
    "TensorBoardOutputConfig", "DebugHookConfig", "ProfilerConfig", "Outputs",
}  # fmt: skip
#: A training job writes below a folder of its own name: PATH/JOB/output.
OWN_FOLDER = {"OutputDataConfig"}
LITERAL = re.compile(r"s3://[^{}'\"\s]*")
#: A path into the execution's input, in either language.
PATH = re.compile(
    r"(?:\$\$\.Execution\.Input|\$states\.(?:context\.Execution\.I|i)nput|\$)((?:\.\w+|\['\w+'\])+)"
)


#: A function of `byoa setup`, by its name or ARN; the stack's bucket has its account and region.
FUNCTION = re.compile(r"(?:arn:.*:function:)?(byoa-[a-z0-9-]+)_([a-z-]+)(?::.*)?")
SOMEWHERE = "ACCOUNT-REGION"
#: Where these write by themselves, and the field that says another place.
BY_THEMSELVES = {
    "build-image": ("builds/", ""),
    "ingest-data": ("data/", "Target"),
    "preprocess-data": ("data/", "Outputs"),
    "train-model": ("models/", "OutputPath"),
}


class Output(NamedTuple):
    """Where a state writes, as far as it is known; `path` is what makes it out when it runs."""

    state: str
    uri: str
    own_folder: bool = False
    path: str = ""

    @property
    def bucket(self) -> str:
        return self.uri.removeprefix("s3://").partition("/")[0]

    @property
    def key(self) -> str:
        return self.uri.removeprefix("s3://").partition("/")[2]

    def is_in(self, bucket: str) -> bool:
        """Whether it is, or may be, written to that bucket."""
        stack, somewhere, _ = self.bucket.partition(SOMEWHERE)
        return bucket == self.bucket or bool(
            somewhere and re.fullmatch(rf"{re.escape(stack)}\d{{12}}-[a-z0-9-]+", bucket)
        )


def outputs(definition: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> list[Output]:
    """Every address in S3 that the states write to, as far as it is known.

    `given` is the execution's input: what is taken from there is known, too.
    """
    found: list[Output] = []
    for place in every_state(definition):
        payload = place.parameters.get("Payload")
        handed = payload if isinstance(payload, Mapping) else place.parameters
        found += written(place.name, handed, (), given or {})
        found += put_object(place)
        found += map_results(place)
        found += by_itself(place)
    return list(dict.fromkeys(found))


def written(
    state: str, value: Any, above: tuple[str, ...], given: Mapping[str, Any]
) -> Iterator[Output]:
    if isinstance(value, list):
        for item in value:
            yield from written(state, item, above, given)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            name = str(key).removesuffix(".$")
            if isinstance(item, str) and is_output(name, above):
                yield from address(state, item, bool(OWN_FOLDER & set(above)), given)
            else:
                yield from written(state, item, (*above, name), given)


def is_output(name: str, above: tuple[str, ...]) -> bool:
    named = name == "S3Uri" or above[-1:] == ("Outputs",)
    return name in WRITTEN or (named and bool(OUTPUTS & set(above)))


def address(state: str, text: str, own_folder: bool, given: Mapping[str, Any]) -> Iterator[Output]:
    """The part of an address that does not depend on the execution, or its path."""
    if found := LITERAL.search(text):
        whole = found[0] == text
        yield Output(state, found[0], own_folder, "" if whole else text)
    elif path := PATH.search(text):
        known = at(given, re.findall(r"\w+", path[1]))
        found = LITERAL.match(known)
        whole = found is not None and found[0] == known
        yield Output(state, found[0] if found else "", own_folder, "" if whole else path[0])


def at(given: Any, keys: list[str]) -> str:
    """The text that the input has there; "" when there is none."""
    for key in keys:
        given = given.get(key) if isinstance(given, Mapping) else None
    return given if isinstance(given, str) else ""


def put_object(place: Place) -> Iterator[Output]:
    """aws-sdk:s3:putObject and its like."""
    resource = str(place.state.get("Resource", ""))
    if re.search(r":aws-sdk:s3:(put|copy|createMultipart|complete)", resource):
        bucket, key = place.parameters.get("Bucket"), place.parameters.get("Key", "")
        if isinstance(bucket, str):
            yield Output(place.name, f"s3://{bucket}/{key if isinstance(key, str) else ''}")


def map_results(place: Place) -> Iterator[Output]:
    """A distributed Map's ResultWriter."""
    writer = place.state.get("ResultWriter")
    inside = writer.get("Parameters", writer.get("Arguments")) if isinstance(writer, Mapping) else 0
    if isinstance(inside, Mapping) and isinstance(inside.get("Bucket"), str):
        yield Output(place.name, f"s3://{inside['Bucket']}/{inside.get('Prefix', '')}")


def asked_of(place: Place) -> tuple[re.Match[str] | None, frozenset[str]]:
    """The function of `byoa setup` that a state calls, and the names of what it is given."""
    name, payload = place.parameters.get("FunctionName"), place.parameters.get("Payload")
    said = payload if isinstance(payload, Mapping) else {}
    found = FUNCTION.fullmatch(name) if isinstance(name, str) else None
    return found, frozenset(str(key).removesuffix(".$") for key in said)


def by_itself(place: Place) -> Iterator[Output]:
    """What a function of `byoa setup` writes where nothing else is said."""
    found, said = asked_of(place)
    if found and found[2] in BY_THEMSELVES:
        folder, field = BY_THEMSELVES[found[2]]
        if field not in said:
            yield Output(place.name, f"s3://{found[1]}-{SOMEWHERE}/{folder}")


def stack_builds(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The states that let `byoa setup`'s function build into the stack's own repository."""
    for place in every_state(definition):
        found, said = asked_of(place)
        if found and found[2] == "build-image" and not said & {"Repository", "Tag"}:
            yield place.name, found[1]


def builds(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The states that may build an image, each with every text that it hands on."""
    for place in every_state(definition):
        resource = str(place.state.get("Resource", ""))
        if ":codebuild:" in resource or ":lambda:" in resource or resource.endswith("codebuild"):
            for text in texts(place.state.get("Parameters", place.state.get("Arguments"))):
                yield place.name, text


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
