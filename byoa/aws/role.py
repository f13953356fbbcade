"""The role that jobs run as: found, or made with the least policy that the jobs need."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from byoa.plan.advice import situation
from byoa.plan.checks import merged
from byoa.plan.errors import NotFoundError, error_code
from byoa.plan.iam import POLICY_NAME, SAGEMAKER, role_policy_request, role_request

if TYPE_CHECKING:
    from byoa.aws.session import Session

Result = TypeVar("Result")
#: How long IAM may take to tell the services of a new role.
LIMIT = 90.0


def ensure_role(
    session: Session,
    name: str,
    policy: Mapping[str, Any],
    tags: Mapping[str, str],
    service: str = SAGEMAKER,
    exact: bool = False,
) -> str:
    """The ARN of a role that may do what `policy` (role_policy, build_policy) says.

    What it may already stays, unless `exact`. A role without the tag byoa:project is somebody's
    own and used as it is.
    """
    iam = session.client("iam")
    role = find_role(iam, name)
    if role is None:
        return _make(iam, role_request(name, tags, service, session.account), policy)
    if any(tag["Key"] == "byoa:project" for tag in role.get("Tags", ())):
        _allow(iam, name, policy, exact)
    return str(role["Arn"])


def role_arn(session: Session, role: str) -> str:
    """The ARN of a role that the user names, by name or ARN; NotFoundError when it is not there."""
    if role.startswith("arn:"):
        return role
    found = find_role(session.client("iam"), role)
    if found is None:
        raise NotFoundError(
            f"IAM has no role {role}. Name another with --role, or none: byoa makes one."
        )
    return str(found["Arn"])


def find_role(iam: Any, name: str) -> Mapping[str, Any] | None:
    """None only when IAM says that there is none: a throttled or refused call is no answer."""
    try:
        found: Mapping[str, Any] = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    return found


def current_policy(iam: Any, name: str) -> dict[str, Any]:
    """The inline policy that byoa wrote, {} when there is none yet."""
    try:
        said = iam.get_role_policy(RoleName=name, PolicyName=POLICY_NAME)["PolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        return {}
    return dict(json.loads(said) if isinstance(said, str) else said)


def _make(iam: Any, request: Mapping[str, Any], policy: Mapping[str, Any]) -> str:
    """Tagged by the call that makes it; without its policy it is not left behind."""
    name, made = request["RoleName"], True
    try:
        arn = str(iam.create_role(**request)["Role"]["Arn"])
    except iam.exceptions.EntityAlreadyExistsException:  # a second driver was faster
        arn, made = str(iam.get_role(RoleName=name)["Role"]["Arn"]), False
    try:
        _allow(iam, name, policy)
    except BaseException:
        if made:
            iam.delete_role(RoleName=name)
        raise
    return arn


def _allow(iam: Any, name: str, policy: Mapping[str, Any], exact: bool = False) -> None:
    """Adds what the policy lacks; it is one inline policy, so nothing can pile up beside it."""
    now = current_policy(iam, name)
    wanted = merged({}, policy) if exact else widened(now, policy)
    if merged(now, {}) != wanted:
        iam.put_role_policy(**role_policy_request(name, wanted))


def widened(now: Mapping[str, Any], policy: Mapping[str, Any]) -> dict[str, Any]:
    """Both; "may do nothing", which is a Deny, goes where the other may something."""
    both = [[*one.get("Statement", ())] for one in (now, policy)]
    kept = [[one for one in some if one["Effect"] == "Allow"] for some in both]
    if not any(kept):
        return merged({}, policy)
    return merged(*({"Statement": some} for some in kept))


def retry_until_assumable(
    call: Callable[[], Result],
    say: Callable[[str], None] = lambda text: None,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """What `call` gives, once AWS's services know the role; any other error comes at once."""
    begin, pause = clock(), 1.0
    while True:
        try:
            return call()
        except Exception as error:
            if not error_code(error) or situation(error) != "role-not-assumable":
                raise
            if clock() + pause > begin + LIMIT:
                raise
            if pause == 4.0:  # most roles are known by then
                say(f"waiting up to {LIMIT:.0f} s until AWS has heard of the role: {error}")
        sleep(pause * random.uniform(0.5, 1.0))  # two drivers that fail together part here
        pause = min(pause * 2, 8.0)
