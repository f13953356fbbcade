"""A function's variables: those that Lambda sets, its own, and what leads its clients here.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from byoa.sandbox import environment, sweep
from byoa.sandbox.lambdas import permits
from byoa.sandbox.lambdas.function import Function
from byoa.sandbox.state import ACCOUNT, State

#: Lambda refuses a function that sets one of these itself.
RESERVED = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
})  # fmt: skip
#: What would let a function past the sandbox; on AWS these work, so they are no error.
LEFT_OUT = frozenset({"AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CONFIG_FILE"})


def variables(
    function: Function, state: State, stream: str, runtime_api: str, endpoint: str = ""
) -> dict[str, str]:
    """All but the folders, which differ between a process and a container."""
    around = environment.variables(state)
    return {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
        **{name: text for name, text in function.environment.items() if name not in LEFT_OUT},
        **around,
        "AWS_ENDPOINT_URL": endpoint or around["AWS_ENDPOINT_URL"],
        **role_keys(function),
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        **({"AWS_LAMBDA_LOG_FORMAT": "JSON"} if function.log_format == "JSON" else {}),
        **({"AWS_LAMBDA_LOG_LEVEL": function.log_level} if function.log_level else {}),
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "_HANDLER": function.handler,
    }


def folders(task: Path, libraries: Path, temporary: Path) -> Mapping[str, str]:
    """A process's own: the code that it may read, and where it may write."""
    return {
        "LAMBDA_TASK_ROOT": str(task),
        "LAMBDA_RUNTIME_DIR": str(libraries),
        "TMPDIR": str(temporary),
        "HOME": str(temporary),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def mark(state: State) -> Mapping[str, str]:
    """By this `byoa sandbox down` finds what is left."""
    return {sweep.MARK: state.token}


def role_keys(function: Function) -> dict[str, str]:
    """Keys of the function's role: who asks STS who it is sees what it would on AWS."""
    from moto.backends import get_backend

    role = get_backend("sts")[ACCOUNT]["aws"].assume_role(
        region_name=function.region,
        role_session_name=function.name,
        role_arn=function.role,
        policy="",
        duration=43200,
        external_id="",
    )
    permits.KEYS[role.access_key_id] = (function.role, function.name)
    return {
        "AWS_ACCESS_KEY_ID": role.access_key_id,
        "AWS_SECRET_ACCESS_KEY": role.secret_access_key,
        "AWS_SESSION_TOKEN": role.session_token,
    }
