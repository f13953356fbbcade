"""An account that does not exist, in moto, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from byoa.aws.session import Session


@pytest.fixture(autouse=True)
def credentials(no_aws_account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody's")


@pytest.fixture
def session() -> Iterator[Session]:
    """eu-west-1 of moto's account 123456789012."""
    from moto import mock_aws

    with mock_aws():
        yield Session("eu-west-1")
