"""What a handler does when its author left functions out: as AWS's framework images do it.

Which default is right depends on the model, not on the image: a torch module wants tensors, an
XGBoost booster a DMatrix, anything else with `predict` (scikit-learn and its like) numpy arrays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from container.serving.handler import Function, Handler, HandlerError
from container.serving.outcomes import media_type
from container.stand_ins.sagemaker_inference import content_types, decoder, encoder
from container.stand_ins.sagemaker_inference.utils import parse_accept
from container.stand_ins.sagemaker_xgboost_container import tables

SCRIPTED = (".pt", ".pth")


class NotAcceptableError(Exception):
    """The client accepts nothing that the default output_fn can write."""

    status_code = 406
    code = "not_acceptable"


def complete(handler: Handler, model: Any) -> Handler:
    """The handler with a default for each function that is missing, once its model is known."""
    if handler.transform_fn is not None:
        return handler
    asks = handler.predict_fn is not None or handler.predict_batch_fn is not None
    if asks and handler.input_fn is not None:  # the model is its author's alone
        return dataclasses.replace(handler, output_fn=handler.output_fn or write)
    read, predict = _of(model, ours=not asks)
    if handler.predict_fn is None and handler.predict_batch_fn is None and predict is None:
        raise HandlerError(
            f"{handler.path} has no predict_fn, and its model_fn gave a {type(model).__name__},"
            " which has no predict: define predict_fn(item, model)"
        )
    return dataclasses.replace(
        handler,
        input_fn=handler.input_fn or read,
        predict_fn=handler.predict_fn or (None if handler.predict_batch_fn else predict),
        output_fn=handler.output_fn or write,
    )


def load_scripted(model_dir: str) -> Any:
    """The model of a handler without a model_fn: TorchScript, as torch.jit.save wrote it."""
    folder = Path(model_dir)
    found = sorted(path for path in folder.glob("*") if path.suffix in SCRIPTED and path.is_file())
    found = [path for path in found if path.name == "model.pt"] or found
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise HandlerError(
            f"the predictor has no model_fn: define model_fn(model_dir), or leave one"
            f" TorchScript file (.pt or .pth) in {folder} (there: {names})"
        )
    import torch

    return torch.jit.load(str(found[0]), map_location=_device())  # type: ignore[no-untyped-call]


def _of(model: Any, ours: bool) -> tuple[Function, Function | None]:
    """How to read a body for this model and how to ask it; one that we ask goes to the GPU."""
    kinds = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(model).__mro__}
    if ("torch", "Module") in kinds:
        if ours:
            model.to(_device()).eval()
        return read_tensor(model), ask_network
    if ("xgboost", "Booster") in kinds:
        return read_dmatrix, ask_booster
    if callable(getattr(model, "predict", None)):
        return read_table, ask_estimator
    return read_array, None


def read_array(body: Any, content_type: str) -> Any:
    """JSON, CSV or npy as numpy's array of numbers or words."""
    array = decoder.decode(body, content_type)
    if getattr(array, "dtype", "") == "object":
        raise ValueError(
            "the body is no array of numbers: send a list of lists of one length,"
            " or define input_fn"
        )
    return array


def read_table(body: Any, content_type: str) -> Any:
    """For scikit-learn: text as float32, a CSV always with rows and columns."""
    if media_type(content_type) == content_types.CSV:
        return tables.csv_rows(tables.text(body))
    array = read_array(body, content_type)
    return (
        array.astype("float32") if media_type(content_type) in content_types.UTF8_TYPES else array
    )


def read_dmatrix(body: Any, content_type: str) -> Any:
    """For a booster: CSV and libsvm as its image reads them, and arrays, too."""
    import xgboost

    kind = media_type(content_type)
    if kind in tables.CSV:
        return tables.csv_to_dmatrix(body)
    if kind in tables.LIBSVM:
        return tables.libsvm_to_dmatrix(body)
    return xgboost.DMatrix(read_array(body, content_type))


def read_tensor(model: Any) -> Callable[[Any, str], Any]:
    """For torch: a tensor where the model is, of the kind of number that it computes in."""
    import torch

    first = next(iter(model.parameters()), None)
    wanted = torch.float32 if first is None else first.dtype
    device = _device() if first is None else first.device

    def read(body: Any, content_type: str) -> Any:
        tensor = torch.as_tensor(read_array(body, content_type))
        if media_type(content_type) in content_types.UTF8_TYPES or tensor.is_floating_point():
            tensor = tensor.to(wanted)
        return tensor.to(device)

    return read


def ask_network(item: Any, model: Any) -> Any:
    """A forward pass without gradients."""
    import torch

    first = next(iter(model.parameters()), None)
    if first is not None and hasattr(item, "to"):  # as an input_fn of their own leaves it: anywhere
        item = item.to(first.device)
    with torch.no_grad():
        return model(item)


def ask_booster(item: Any, model: Any) -> Any:
    """Its predictions; libsvm leaves out what is zero, so the width is not checked."""
    return model.predict(item, validate_features=False)


def ask_estimator(item: Any, model: Any) -> Any:
    """Its predictions."""
    return model.predict(item)


def write(prediction: Any, accept: str) -> tuple[Any, str]:
    """JSON, CSV or npy: the first that the client accepts."""
    for wanted in parse_accept(accept):
        kind = content_types.JSON if wanted in (content_types.ANY, "application/*") else wanted
        if kind in encoder.SUPPORTED_CONTENT_TYPES:
            return encoder.encode(prediction, kind), kind
    known = ", ".join(sorted(encoder.SUPPORTED_CONTENT_TYPES))
    raise NotAcceptableError(f"the client accepts {accept}; this model answers in {known}")


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
