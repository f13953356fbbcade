"""SSM parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.sandbox.cloudformation.kinds import Aws, Kind, Props, forgiving, present, words


def put(aws: Aws, name: str, props: Props, overwrite: bool = False) -> str:
    aws.client("ssm").put_parameter(
        Name=name,
        Value=props["Value"],
        Type=props["Type"],
        Overwrite=overwrite,
        **present(Description=props.get("Description")),
    )
    return name


def update(aws: Aws, name: str, before: Props, after: Props) -> None:
    put(aws, name, after, overwrite=True)


def delete(aws: Aws, name: str, props: Props) -> None:
    forgiving(aws.client("ssm").delete_parameter, Name=name)


def attributes(aws: Aws, name: str, props: Props) -> Mapping[str, Any]:
    return {"Type": props["Type"], "Value": props["Value"]}


KINDS = {
    "AWS::SSM::Parameter": Kind(
        put,
        delete,
        update,
        attributes,
        takes=words("Name Value Type Description Tier DataType"),
        name="Name",
        longest=1011,
    ),
}
