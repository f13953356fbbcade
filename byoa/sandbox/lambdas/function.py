"""A function as it is to run: what moto keeps of it, fixed; a change makes another one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.state import ACCOUNT


@dataclass(frozen=True)
class Function:
    """All that decides how an invocation runs."""

    name: str
    version: str
    arn: str
    region: str
    role: str
    handler: str
    runtime: str
    memory: int  #: MB
    timeout: int  #: seconds
    package: str  #: Zip or Image
    image: str
    log_group: str
    log_format: str
    log_level: str
    environment: dict[str, str] = field(hash=False)
    image_config: dict[str, Any] = field(hash=False)
    code: bytes = field(repr=False, hash=False)
    layers: tuple[bytes, ...] = field(repr=False, hash=False, default=())

    @property
    def key(self) -> str:
        """Two that have it in common may use the same process."""
        described = {
            name: value for name, value in self.__dict__.items() if name not in {"code", "layers"}
        }
        contents = [hashlib.sha256(data).hexdigest() for data in (self.code, *self.layers)]
        return hashlib.sha256(json.dumps([described, contents]).encode()).hexdigest()


def find(region: str, name: str, qualifier: str | None) -> Function:
    """The function of a name, an ARN or a partial one, perhaps with a version or an alias."""
    kept = moto_function(region, name, qualifier)
    backend = moto_backend(region)
    logging = kept.__dict__.get("byoa_extras", {}).get("LoggingConfig", {})
    layers = [backend.layers_versions_by_arn(layer["Arn"]) for layer in kept.layers]
    return Function(
        name=kept.function_name,
        version=str(kept.version),
        arn=kept.function_arn,
        region=region,
        role=kept.role,
        handler=kept.handler or "",
        runtime=kept.run_time or "",
        memory=int(kept.memory_size),
        timeout=int(kept.timeout),
        package=kept.package_type,
        image=kept.code.get("ImageUri", ""),
        log_group=logging.get("LogGroup") or kept.logs_group_name,
        log_format=logging.get("LogFormat", "Text"),
        log_level=logging.get("ApplicationLogLevel", ""),
        environment=dict(kept.environment_vars or {}),
        image_config=kept.image_config.response(),
        code=getattr(kept, "code_bytes", b""),
        layers=tuple(layer.code_bytes for layer in layers if layer is not None),
    )


def moto_backend(region: str) -> Any:
    from moto.awslambda.utils import get_backend

    return get_backend(ACCOUNT, region)


def moto_function(region: str, name: str, qualifier: str | None = None) -> Any:
    from moto.core.exceptions import JsonRESTError

    short, in_name = split(name)
    wanted = qualifier or in_name
    try:
        return moto_backend(region).get_function(short, wanted)
    except (JsonRESTError, ValueError, KeyError):
        arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{short}{f':{wanted}' if wanted else ''}"
        raise ServiceError(
            "ResourceNotFoundException", f"Function not found: {arn}", "Invoke", 404
        ) from None


def split(name: str) -> tuple[str, str | None]:
    """NAME, NAME:QUALIFIER, ACCOUNT:function:NAME or an ARN as name and qualifier."""
    if ":function:" in name:
        name = name.partition(":function:")[2]
    elif name.startswith("function:"):
        name = name.removeprefix("function:")
    short, _, qualifier = name.partition(":")
    return short, qualifier or None
