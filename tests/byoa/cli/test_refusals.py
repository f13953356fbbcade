"""What a user is told when an endpoint does not answer well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from byoa.cli.refusals import told
from byoa.place import Place
from byoa.plan.errors import ServiceError

GONE = ServiceError("ValidationError", "Endpoint faecs of account 123456789012 not found.", "I")


class Listing:
    """SageMaker, as far as it lists endpoints; None of them: it may not be asked."""

    def __init__(self, names: Sequence[str] | None) -> None:
        self.names = names

    def list_endpoints(self, **_: Any) -> dict[str, Any]:
        if self.names is None:
            raise ServiceError("AccessDeniedException", "no", "ListEndpoints")
        return {"Endpoints": [{"EndpointName": name} for name in self.names]}


def place(names: Sequence[str] | None) -> Place:
    return Place("docker", None, Listing(names), None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "There is no endpoint faecs on docker; `byoa deploy` makes one."),
        (None, "There is no endpoint faecs on docker; `byoa deploy` makes one."),
        (["cells"], "There is no endpoint faecs on docker. There is cells."),
        (["a", "faces"], "There is no endpoint faecs on docker. There are faces and others:"),
    ],
)
def test_an_endpoint_that_is_not_there_is_told_with_those_that_are(
    names: Sequence[str] | None, said: str
):
    assert str(told(GONE, place(names), "faecs")).startswith(said)


def test_the_models_own_words_come_first():
    error = ServiceError("ModelError", "Received client error (400) from primary with …", "Invoke")
    error.response.update(
        {
            "OriginalStatusCode": 400,
            "OriginalMessage": '{"error": {"code": "x", "message": "not a picture - send a JPEG"}}',
        }
    )
    assert str(told(error, place([]), "faces")) == (
        "The model of faces answered 400: not a picture - send a JPEG."
        " Its log: byoa logs faces --on docker"
    )


def test_other_errors_are_left_to_others():
    assert told(ServiceError("ThrottlingException", "slow", "Invoke"), place([]), "faces") is None
