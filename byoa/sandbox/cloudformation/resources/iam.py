"""IAM: roles, their policies, managed policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.sandbox.cloudformation.kinds import (
    Aws,
    Kind,
    Props,
    as_json,
    forgiving,
    gone,
    or_else,
    present,
    words,
)


def create_role(aws: Aws, name: str, props: Props) -> str:
    iam = aws.client("iam")
    iam.create_role(
        **present(
            RoleName=name,
            AssumeRolePolicyDocument=as_json(props["AssumeRolePolicyDocument"]),
            **{
                key: props.get(key)
                for key in (
                    "Path",
                    "Description",
                    "MaxSessionDuration",
                    "PermissionsBoundary",
                    "Tags",
                )
            },
        )
    )
    with or_else(delete_role, aws, name, props):
        policies(iam, name, {}, props)
    return name


def update_role(aws: Aws, name: str, before: Props, after: Props) -> None:
    iam = aws.client("iam")
    if before["AssumeRolePolicyDocument"] != after["AssumeRolePolicyDocument"]:
        document = as_json(after["AssumeRolePolicyDocument"])
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=document)
    changed = {key: after.get(key) for key in ("Description", "MaxSessionDuration")}
    iam.update_role(RoleName=name, **present(**changed))
    policies(iam, name, before, after)
    old, new = tags(before), tags(after)
    if set(old) - set(new):
        iam.untag_role(RoleName=name, TagKeys=sorted(set(old) - set(new)))
    if new:
        iam.tag_role(RoleName=name, Tags=after["Tags"])


def tags(props: Props) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in props.get("Tags") or []}


def policies(iam: Any, role: str, before: Props, after: Props) -> None:
    """Inline and attached policies from one list to the other."""
    old, new = inline(before), inline(after)
    for name in old.keys() - new.keys():
        forgiving(iam.delete_role_policy, RoleName=role, PolicyName=name)
    for name, document in new.items():
        if old.get(name) != document:
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=as_json(document))
    old_arns, new_arns = before.get("ManagedPolicyArns", []), after.get("ManagedPolicyArns", [])
    for arn in [arn for arn in old_arns if arn not in new_arns]:
        forgiving(iam.detach_role_policy, RoleName=role, PolicyArn=arn)
    for arn in [arn for arn in new_arns if arn not in old_arns]:
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)


def inline(props: Props) -> dict[str, Any]:
    return {each["PolicyName"]: each["PolicyDocument"] for each in props.get("Policies") or []}


def delete_role(aws: Aws, name: str, props: Props) -> None:
    """What the template gave it goes along; what others attached stands in the way, as on AWS."""
    policies(aws.client("iam"), name, props, {})
    forgiving(aws.client("iam").delete_role, RoleName=name)


def role_attributes(aws: Aws, name: str, props: Props) -> Mapping[str, Any]:
    role = aws.client("iam").get_role(RoleName=name)["Role"]
    return {"Arn": role["Arn"], "RoleId": role["RoleId"]}


def live_role(aws: Aws, name: str, props: Props) -> Props | None:
    iam = aws.client("iam")
    try:
        role = iam.get_role(RoleName=name)["Role"]
    except Exception as error:
        if gone(error):
            return None
        raise
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    found = [
        iam.get_role_policy(RoleName=name, PolicyName=policy)
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    ]
    return {
        "AssumeRolePolicyDocument": role["AssumeRolePolicyDocument"],
        "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached],
        "Policies": [
            {"PolicyName": each["PolicyName"], "PolicyDocument": each["PolicyDocument"]}
            for each in found
        ],
        **{key: role[key] for key in ("Description", "MaxSessionDuration") if key in role},
    }


def holders(props: Props) -> list[tuple[str, str]]:
    """(role|user|group, name) that an inline policy is put on."""
    return [
        (kind, name)
        for key, kind in (("Roles", "role"), ("Users", "user"), ("Groups", "group"))
        for name in props.get(key) or []
    ]


def put_policy(aws: Aws, name: str, props: Props) -> str:
    for kind, holder in holders(props):
        getattr(aws.client("iam"), f"put_{kind}_policy")(
            **{f"{kind.title()}Name": holder},
            PolicyName=props["PolicyName"],
            PolicyDocument=as_json(props["PolicyDocument"]),
        )
    return name


def remove_policy(aws: Aws, identity: str, props: Props) -> None:
    for kind, holder in holders(props):
        delete = getattr(aws.client("iam"), f"delete_{kind}_policy")
        forgiving(delete, **{f"{kind.title()}Name": holder}, PolicyName=props["PolicyName"])


def change_policy(aws: Aws, identity: str, before: Props, after: Props) -> None:
    left = set(holders(before)) - set(holders(after))
    if before["PolicyName"] != after["PolicyName"]:
        left = set(holders(before))
    for kind, holder in left:
        delete = getattr(aws.client("iam"), f"delete_{kind}_policy")
        forgiving(delete, **{f"{kind.title()}Name": holder}, PolicyName=before["PolicyName"])
    put_policy(aws, identity, after)


def create_managed(aws: Aws, name: str, props: Props) -> str:
    iam = aws.client("iam")
    made = iam.create_policy(
        PolicyName=name,
        PolicyDocument=as_json(props["PolicyDocument"]),
        **present(Description=props.get("Description"), Path=props.get("Path")),
    )
    arn = str(made["Policy"]["Arn"])
    with or_else(delete_managed, aws, arn, props):
        for kind, holder in holders(props):
            getattr(iam, f"attach_{kind}_policy")(**{f"{kind.title()}Name": holder}, PolicyArn=arn)
    return arn


def delete_managed(aws: Aws, arn: str, props: Props) -> None:
    iam = aws.client("iam")
    for kind, holder in holders(props):
        detach = getattr(iam, f"detach_{kind}_policy")
        forgiving(detach, **{f"{kind.title()}Name": holder}, PolicyArn=arn)
    forgiving(iam.delete_policy, PolicyArn=arn)


KINDS = {
    "AWS::IAM::Role": Kind(
        create_role,
        delete_role,
        update_role,
        role_attributes,
        live_role,
        words(
            "RoleName AssumeRolePolicyDocument Path Description MaxSessionDuration "
            "PermissionsBoundary Tags Policies ManagedPolicyArns"
        ),
        name="RoleName",
    ),
    "AWS::IAM::Policy": Kind(
        put_policy,
        remove_policy,
        change_policy,
        takes=words("PolicyName PolicyDocument Roles Users Groups"),
    ),
    "AWS::IAM::ManagedPolicy": Kind(
        create_managed,
        delete_managed,
        takes=words("ManagedPolicyName PolicyDocument Description Path Roles Users Groups"),
        name="ManagedPolicyName",
        longest=128,
    ),
}
