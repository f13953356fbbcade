"""SageMaker's control plane: byoa.local carries out what it can, on the S3 of this sandbox.

Of the rest, moto keeps what is only written down and read again. What it would make up (a tuning
job's best result, a notebook that is InService) is refused instead.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from botocore import xform_name
from werkzeug.wrappers import Response

from byoa.local.sagemaker import SageMaker
from byoa.plan.errors import ServiceError
from byoa.sandbox import answers, shapes
from byoa.sandbox.hooks import Sandbox, not_implemented
from byoa.sandbox.iam import may_assume
from byoa.sandbox.state import State
from byoa.sandbox.wire import Call

#: One supervisor a job or endpoint: byoa.local's, with S3 as its storage.
SUPERVISE = (sys.executable, "-m", "byoa.sandbox.supervise")
#: Records, nothing that runs: moto's are as good as AWS's.
RECORDS = re.compile(
    r"(Create|Describe|List|Update|Delete)"
    r"(ModelPackages?|ModelPackageGroups?|Experiments?|Trials?|TrialComponents?)"
    r"|(Associate|Disassociate)TrialComponent"
)


def sagemaker(sandbox: Sandbox, call: Call) -> Response:
    try:
        call.model  # noqa: B018
    except Exception as error:  # botocore has no such operation
        raise not_implemented(call) from error
    act = getattr(local(sandbox.state, call.region), xform_name(call.operation), None)
    if act is None:
        if RECORDS.fullmatch(call.operation):
            return sandbox.ask_moto(call)
        raise not_implemented(call)
    shapes.check(call)
    check_role(call)
    return answers.answer(call, act(**call.parameters))


def check_role(call: Call) -> None:
    """SageMaker takes a role on before it accepts the request."""
    given = call.parameters
    role = given.get("RoleArn") or given.get("ExecutionRoleArn")
    if call.operation.startswith("Create") and role and not may_assume(role, "sagemaker"):
        raise ServiceError(
            "ValidationException",
            f"Could not assume role {role}. Please ensure that the role exists and allows "
            "principal 'sagemaker.amazonaws.com' to assume the role.",
            call.operation,
        )


def root(state: State, region: str) -> Path:
    """The jobs, endpoints and log lines of one region."""
    return Path(state.folder) / "local" / (region or state.region)


def local(state: State, region: str) -> SageMaker:
    region = region or state.region
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d{1,2}", region):
        raise ServiceError("ValidationException", f"There is no region {region!r}")
    return SageMaker(root(state, region), supervise=SUPERVISE, region=region)
