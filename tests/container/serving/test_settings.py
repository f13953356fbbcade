"""The environment becomes one typed value, or a sentence that says what to set."""

from __future__ import annotations

from pathlib import Path

import pytest

from container.serving.settings import KNOWN, MIB, Settings, SettingsError, misspelt

BASE = {"BYOA_ALGORITHM": str(Path(__file__).parent)}


def read(**environ: str) -> Settings:
    return Settings.from_environment({**BASE, **environ})


@pytest.mark.parametrize(
    ("environ", "mode", "timeout", "payload", "processes"),
    [
        ({}, "real-time", 60, 25, None),
        ({"SAGEMAKER_BATCH": "true"}, "batch", 3600, 100, None),
        ({"SAGEMAKER_BATCH": "True"}, "batch", 3600, 100, None),
        ({"SAGEMAKER_BATCH": "false"}, "real-time", 60, 25, None),
        ({"BYOA_SERVING_MODE": "async"}, "async", 3600, 1024, None),
        ({"BYOA_SERVING_MODE": "serverless"}, "serverless", 60, 4, 1),
    ],
)
def test_defaults_by_mode(
    environ: dict[str, str], mode: str, timeout: float, payload: int, processes: int | None
):
    settings = read(**environ)
    assert (settings.mode, settings.timeout) == (mode, timeout)
    assert settings.max_payload == payload * MIB
    assert settings.model_processes == processes
    assert settings.port == 8080
    assert settings.root.model == Path("/opt/ml/model")


@pytest.mark.parametrize(
    ("environ", "field", "value"),
    [
        ({"SAGEMAKER_BIND_TO_PORT": "9000"}, "port", 9000),
        ({"SAGEMAKER_BIND_TO_PORT": " 9000 "}, "port", 9000),
        ({"SAGEMAKER_BIND_TO_PORT": ""}, "port", 8080),
        ({}, "address", "0.0.0.0"),
        ({"BYOA_BIND_TO_ADDRESS": " 127.0.0.1"}, "address", "127.0.0.1"),
        ({"SAGEMAKER_MODEL_SERVER_TIMEOUT": "7.5"}, "timeout", 7.5),
        ({"SAGEMAKER_MODEL_SERVER_WORKERS": "3"}, "model_processes", 3),
        ({"MODEL_SERVER_WORKERS": "4"}, "model_processes", 4),
        (
            {"SAGEMAKER_MODEL_SERVER_WORKERS": "3", "MODEL_SERVER_WORKERS": "4"},
            "model_processes",
            3,
        ),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "6"}, "max_payload", 6 * MIB),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}, "max_payload", 1024 * MIB),
        ({}, "queue_size", 64),
        ({"BYOA_SERVING_MODE": "async"}, "queue_size", 1000),
        ({"BYOA_SERVING_MODE": "async", "BYOA_QUEUE_SIZE": "9"}, "queue_size", 9),
        ({"SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "100"}, "queue_size", 100),
        ({"SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "4"}, "queue_size", 64),
        ({"BYOA_BATCH_DELAY_MS": "0"}, "batch_delay", 0.0),
        ({"BYOA_BATCH_DELAY_MS": "2.5"}, "batch_delay", 0.0025),
        ({"BYOA_DRAIN_SECONDS": "0"}, "drain", 0.0),
        ({"BYOA_MODEL_MEMORY_MB": "512"}, "model_memory", 512 * MIB),
        ({"OMP_NUM_THREADS": "2"}, "threads", 2),
        ({"BYOA_MODEL_THREADS": "1", "OMP_NUM_THREADS": "2"}, "threads", 1),
        ({"BYOA_NGINX": "off"}, "use_nginx", False),
        ({"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}, "default_accept", "text/csv"),
    ],
)
def test_one_setting(environ: dict[str, str], field: str, value: object):
    assert getattr(read(**environ), field) == value


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"BYOA_BIND_TO_ADDRESS": "me; x"}, "is 'me; x': use an IPv4 address, as 127.0.0.1"),
        ({"SAGEMAKER_BIND_TO_PORT": "0"}, "SAGEMAKER_BIND_TO_PORT is 0: use 1 to 65535"),
        ({"SAGEMAKER_BIND_TO_PORT": "80a"}, "is '80a', which is not a whole number: set one"),
        ({"SAGEMAKER_BIND_TO_PORT": "1.5"}, "is '1.5', which is not a whole number"),
        ({"SAGEMAKER_BIND_TO_PORT": "٣"}, "which is not a whole number"),
        ({"SAGEMAKER_MODEL_SERVER_TIMEOUT": "nan"}, "is nan: use 0.01 to 86400"),
        ({"SAGEMAKER_MODEL_SERVER_TIMEOUT": "soon"}, "is 'soon', which is not a number"),
        ({"SAGEMAKER_MODEL_SERVER_TIMEOUT": "0"}, "is 0: use 0.01 to 86400"),
        ({"BYOA_QUEUE_SIZE": "-1"}, "BYOA_QUEUE_SIZE is -1: use 1 to 100000"),
        ({"SAGEMAKER_BATCH": "perhaps"}, "SAGEMAKER_BATCH is 'perhaps': use true or false"),
        ({"BYOA_SERVING_MODE": "fast"}, "'fast', which is no way to serve: use one of real-time"),
        ({"BYOA_ALGORITHM": "/nowhere"}, "BYOA_ALGORITHM is '/nowhere', which is no folder"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(environ: dict[str, str], sentence: str):
    with pytest.raises(SettingsError) as caught:
        read(**environ)
    assert sentence in str(caught.value)


def test_misspelt_names():
    environ = {"BYOA_QUEUE_SZIE": "1", "BYOA_QUEUE_SIZE": "1", "SAGEMAKER_REGION": "x", "PATH": ""}
    assert misspelt(environ) == [("BYOA_QUEUE_SZIE", "BYOA_QUEUE_SIZE")]


def test_every_setting_is_documented():
    page = (Path(__file__).resolve().parents[3] / "docs" / "serving.md").read_text()
    assert [name for name in KNOWN if name not in page] == []
