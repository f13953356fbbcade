"""Everything that the environment can say about serving, read once, as one typed value."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from container.algorithm import find_algorithm
from container.errors import ProgramError
from container.root import Root

MODES = ("real-time", "batch", "async", "serverless")
MIB = 1 << 20

# By mode: seconds that a client waits, MiB of the largest body, requests that may wait.
# Real time: SageMaker gives up after 60 s and takes 25 MB. Async and batch: up to an hour.
TIMEOUT = {"real-time": 60.0, "batch": 3600.0, "async": 3600.0, "serverless": 60.0}
PAYLOAD = {"real-time": 25, "batch": 100, "async": 1024, "serverless": 4}
# Async: MaxConcurrentInvocationsPerInstance goes up to 1000, and the container is not told.
QUEUE = {"real-time": 64, "batch": 64, "async": 1000, "serverless": 64}


KNOWN = (
    "BYOA_SERVING_MODE",
    "BYOA_QUEUE_SIZE",
    "BYOA_QUEUE_MB",
    "BYOA_MAX_BATCH",
    "BYOA_BATCH_DELAY_MS",
    "BYOA_MODEL_THREADS",
    "BYOA_MODEL_MEMORY_MB",
    "BYOA_DRAIN_SECONDS",
    "BYOA_STUCK_SECONDS",
    "BYOA_NGINX",
    "BYOA_PLAYGROUND",
    "BYOA_METRICS",
    "BYOA_MODELS_MEMORY_MB",
    "BYOA_MODELS_EVICT",
    "BYOA_MODELS_PRELOAD",
    "BYOA_ALGORITHM",
    "BYOA_BIND_TO_ADDRESS",
    "SAGEMAKER_BATCH",
    "SAGEMAKER_MULTI_MODEL",
    "SAGEMAKER_BIND_TO_PORT",
    "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS",
    "SAGEMAKER_MAX_PAYLOAD_IN_MB",
    "SAGEMAKER_MODEL_SERVER_TIMEOUT",
    "SAGEMAKER_MODEL_SERVER_WORKERS",
    "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT",
    "SAGEMAKER_PROGRAM",
    "SAGEMAKER_SUBMIT_DIRECTORY",
    "SAGEMAKER_BASE_DIR",
)

# What SageMaker's hosts have and a laptop has not: a range of ports, credentials by address, and
# the folder below /opt/ml in which AWS's own server (DJL) looks for its endpoint's description.
PLATFORM_VARIABLES = ("SAGEMAKER_SAFE_PORT_RANGE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
PLATFORM_FOLDER = ".sagemaker_infra"

LOAD_SECONDS = 360.0  # for one model of many: SageMaker waits no longer

#: A container's: who may reach it is the platform's choice.
ANY = "0.0.0.0"


class SettingsError(Exception):
    """An environment variable holds something that cannot be meant."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to serve. None means: decide from the machine."""

    mode: str
    port: int
    timeout: float
    max_payload: int
    queue_size: int
    queue_bytes: int | None
    max_batch: int | None
    batch_delay: float | None
    model_processes: int | None
    threads: int | None
    model_memory: int | None
    drain: float
    stuck: float
    root: Root
    program: str | None
    submitted: str | None  # where the SDK says that the program's source is
    algorithm: Path | None
    default_accept: str
    use_nginx: bool
    address: str  # IPv4, of the one network to listen on
    playground: bool  # a page at /
    metrics: bool  # figures for Prometheus at /metrics
    multi_model: bool  # SageMaker's API of /models in place of one model
    models_memory: int | None  # bytes that all loaded models together may use
    models_evict: bool  # unload the least recently used by ourselves, before saying 507
    models_preload: bool  # import the image's predictor once, for all models

    @property
    def models_folder(self) -> Path:
        """Where SageMaker puts the models of a multi-model endpoint."""
        return self.root.base / "models"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read, check and complete; raises SettingsError with a sentence."""
        read = _Reader(environ)
        mode = read.mode()
        return cls(
            mode=mode,
            port=read.integer("SAGEMAKER_BIND_TO_PORT", 1, 65535) or 8080,
            timeout=read.number("SAGEMAKER_MODEL_SERVER_TIMEOUT", 0.01, 86400, TIMEOUT[mode]),
            max_payload=read.payload(mode),
            queue_size=read.queue_size(mode),
            queue_bytes=read.mib("BYOA_QUEUE_MB", 1),
            max_batch=read.integer("BYOA_MAX_BATCH", 1, 1024),
            batch_delay=read.seconds("BYOA_BATCH_DELAY_MS", 60_000),
            model_processes=read.integer("SAGEMAKER_MODEL_SERVER_WORKERS", 1, 1024)
            or read.integer("MODEL_SERVER_WORKERS", 1, 1024)
            or (1 if mode == "serverless" else None),
            threads=read.integer("BYOA_MODEL_THREADS", 1, 1024)
            or read.integer("OMP_NUM_THREADS", 1, 1024),
            model_memory=read.mib("BYOA_MODEL_MEMORY_MB", 16),
            drain=read.number("BYOA_DRAIN_SECONDS", 0, 3600, 20),
            stuck=read.number("BYOA_STUCK_SECONDS", 0, 86400, 30),
            root=Root.of(environ),
            program=environ.get("SAGEMAKER_PROGRAM") or None,
            submitted=environ.get("SAGEMAKER_SUBMIT_DIRECTORY") or None,
            algorithm=_algorithm(environ),
            default_accept=environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT")
            or "application/json",
            use_nginx=read.flag("BYOA_NGINX", default=True),
            address=read.address("BYOA_BIND_TO_ADDRESS") or ANY,
            playground=read.flag("BYOA_PLAYGROUND", default=_is_local(environ, mode)),
            metrics=read.flag("BYOA_METRICS", default=_is_local(environ, mode)),
            multi_model=read.flag("SAGEMAKER_MULTI_MODEL", default=False),
            models_memory=read.mib("BYOA_MODELS_MEMORY_MB", 16),
            models_evict=read.choice("BYOA_MODELS_EVICT", ("off", "lru")) == "lru",
            models_preload=read.flag("BYOA_MODELS_PRELOAD", default=True),
        )


def _algorithm(environ: Mapping[str, str]) -> Path | None:
    """The image's own algorithm; a model that brings its code needs none."""
    try:
        return find_algorithm(environ)
    except ProgramError as error:
        if environ.get("BYOA_ALGORITHM"):
            raise SettingsError(str(error)) from error
        return None


def _is_local(environ: Mapping[str, str], mode: str) -> bool:
    """Whether nothing says that this is SageMaker: whoever is in doubt is not at home."""
    return (
        mode == "real-time"  # the other modes are SageMaker's
        and not any(name in environ for name in PLATFORM_VARIABLES)
        and not (Root.of(environ).base / PLATFORM_FOLDER).exists()
    )


def misspelt(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Variables that are nearly one of ours, and which: (BYOA_QUEUE_SZIE, BYOA_QUEUE_SIZE)."""
    found = []
    for name in sorted(environ):
        if name.startswith(("BYOA_", "SAGEMAKER_")) and name not in KNOWN:
            near = difflib.get_close_matches(name, KNOWN, 1, 0.9)
            found += [(name, near[0])] if near else []
    return found


@dataclass(frozen=True)
class _Reader:
    """The environment, one checked value at a time."""

    environ: Mapping[str, str]

    def mode(self) -> str:
        """batch when SageMaker says so, else BYOA_SERVING_MODE, else real-time."""
        if self.flag("SAGEMAKER_BATCH", default=False):
            return "batch"
        mode = self.environ.get("BYOA_SERVING_MODE") or MODES[0]
        if mode not in MODES:
            raise SettingsError(
                f"BYOA_SERVING_MODE is {mode!r}, which is no way to serve: "
                f"use one of {', '.join(MODES)}"
            )
        return mode

    def flag(self, name: str, *, default: bool) -> bool:
        """true/false in the spellings that SageMaker and people use."""
        text = self.environ.get(name, "").strip().lower()
        if text in ("", "true", "1", "yes", "on", "false", "0", "no", "off"):
            return default if not text else text in ("true", "1", "yes", "on")
        raise SettingsError(f"{name} is {text!r}: use true or false")

    def choice(self, name: str, words: tuple[str, ...]) -> str:
        """One of the words, the first when it is not set."""
        text = self.environ.get(name, "").strip().lower()
        if text and text not in words:
            raise SettingsError(f"{name} is {text!r}: use {' or '.join(words)}")
        return text or words[0]

    def address(self, name: str) -> str:
        text = self.environ.get(name, "").strip()
        try:
            return text and str(IPv4Address(text))
        except ValueError:
            raise SettingsError(f"{name} is {text!r}: use an IPv4 address, as 127.0.0.1") from None

    def payload(self, mode: str) -> int:
        """The largest body in bytes. SageMaker's 0 means streamed, of any size: as in async."""
        chosen = self.integer("SAGEMAKER_MAX_PAYLOAD_IN_MB", 0, 1 << 20)
        return MIB * (PAYLOAD[mode] if chosen is None else chosen or PAYLOAD["async"])

    def queue_size(self, mode: str) -> int:
        """As chosen, else by mode; a batch job that says how many it sends at once finds room."""
        told = self.integer("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", 0, 100_000) or 0
        chosen = self.integer("BYOA_QUEUE_SIZE", 1, 100_000)
        return chosen or max(QUEUE[mode], told)

    def integer(self, name: str, low: int, high: int) -> int | None:
        """A whole number in [low, high], or None when it is not set."""
        text = self.environ.get(name, "").strip()
        if not text:
            return None
        if not text.isascii() or not text.lstrip("-+").isdigit():
            raise SettingsError(f"{name} is {text!r}, which is not a whole number: set one")
        value = int(text)
        if not low <= value <= high:
            raise SettingsError(f"{name} is {text}: use {low} to {high}")
        return value

    def number(self, name: str, low: float, high: float, default: float) -> float:
        """A number in [low, high], or the default when it is not set."""
        text = self.environ.get(name, "").strip()
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            raise SettingsError(f"{name} is {text!r}, which is not a number: set one") from None
        if not low <= value <= high:  # refuses nan, too
            raise SettingsError(f"{name} is {text}: use {low:g} to {high:g}")
        return value

    def mib(self, name: str, low: int) -> int | None:
        """Mebibytes in bytes, or None when it is not set."""
        value = self.integer(name, low, 1 << 24)
        return None if value is None else value * MIB

    def seconds(self, name: str, high: float) -> float | None:
        """Milliseconds in seconds, or None when it is not set."""
        value = self.number(name, 0, high, -1)
        return None if value < 0 else value / 1000
