"""The variables that point boto3, the AWS CLI and anything built on them at the sandbox."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

from byoa.sandbox.state import State

SHELLS = ("sh", "fish", "powershell")
#: What would lead a client elsewhere, or make it sign with somebody's true key.
UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")


def variables(state: State, around: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Set these and a client talks to the sandbox. The keys work here and nowhere else."""
    return {
        "AWS_ENDPOINT_URL": state.url,
        "AWS_ACCESS_KEY_ID": state.access_key,
        "AWS_SECRET_ACCESS_KEY": state.secret_key,
        "AWS_REGION": state.region,
        "AWS_DEFAULT_REGION": state.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",  # there is no sync-127.0.0.1
        **past_proxies(around),
    }


def past_proxies(around: Mapping[str, str]) -> dict[str, str]:
    """A proxy does not reach our loopback: where there is one, no request to it goes there."""
    if not any(name.lower() in {"http_proxy", "all_proxy"} for name in around):
        return {}
    given = around.get("NO_PROXY") or around.get("no_proxy") or ""
    hosts = [host for host in given.split(",") if host.strip()]
    return {"NO_PROXY": ",".join(dict.fromkeys([*hosts, "127.0.0.1", "localhost"]))}


def exports(state: State, shell: str = "sh") -> str:
    """Lines for `eval "$(byoa sandbox env)"`, in the words of the shell."""
    lines = {
        "sh": lambda name, value: f"export {name}={shlex.quote(value)}",
        "fish": lambda name, value: f"set -gx {name} {shlex.quote(value)};",
        "powershell": lambda name, value: f"$env:{name} = '{value}'",
    }
    remove = {"sh": "unset {}", "fish": "set -e {};", "powershell": "Remove-Item -ea 0 env:{}"}
    gone = [remove[shell].format(name) for name in UNSET]
    return "\n".join(gone + [lines[shell](*item) for item in variables(state).items()])
