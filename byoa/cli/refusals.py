"""A request that an endpoint did not answer well: in its model's words, or who answers instead."""

from __future__ import annotations

import difflib
import json
import re

from byoa.place import Place
from byoa.plan.errors import ByoaError, NotFoundError, error_code

#: The service's sentence, of SageMaker and of byoa.local alike.
NO_ENDPOINT = re.compile(r"Endpoint \S+ of account \d+ not found")


def told(error: Exception, place: Place, endpoint: str) -> ByoaError | None:
    """What the user is told in place of the service's error; None: as it is."""
    if NO_ENDPOINT.search(str(error)):
        return NotFoundError(no_endpoint(place, endpoint))
    if error_code(error) != "ModelError":
        return None
    status = getattr(error, "response", {}).get("OriginalStatusCode", "with an error")
    log = f"byoa logs {endpoint} --on {place.name}"
    return ByoaError(f"The model of {endpoint} answered {status}: {said(error)}. Its log: {log}")


def said(error: Exception) -> str:
    """The model's own words, in short."""
    text = str(getattr(error, "response", {}).get("OriginalMessage") or error)
    try:
        found = json.loads(text)
        found = found.get("error", found)
        text = str(found.get("message", text) if isinstance(found, dict) else found)
    except (ValueError, AttributeError):
        pass
    return text.strip().rstrip(".")[:300]


def no_endpoint(place: Place, endpoint: str) -> str:
    """That there is none, and those that there are: nearest first."""
    try:
        page = place.sagemaker.list_endpoints(MaxResults=100)
    except Exception:  # who may ask a model may not list them: the sentence stands without
        page = {"Endpoints": []}
    names = [one["EndpointName"] for one in page["Endpoints"]]
    near = difflib.get_close_matches(endpoint, names, 3) or names[:3]
    rest = "; `byoa deploy` makes one."
    if near:
        rest = f". There {'is' if len(names) == 1 else 'are'} {', '.join(near)}"
        rest += " and others: byoa status." if len(names) > len(near) else "."
    return f"There is no endpoint {endpoint} on {place.name}{rest}"
