"""The class that handlers with a class of their own derive from."""

from __future__ import annotations

from typing import Any

from . import decoder, encoder


class DefaultInferenceHandler:
    """Arrays in, arrays out; what a model is, and does, its author knows."""

    def default_model_fn(self, model_dir: str, context: Any = None) -> Any:
        """The model below a folder."""
        raise NotImplementedError("this handler has no model_fn: define it")

    def default_input_fn(self, input_data: Any, content_type: str, context: Any = None) -> Any:
        """The array that a body holds."""
        return decoder.decode(input_data, content_type)

    def default_predict_fn(self, data: Any, model: Any, context: Any = None) -> Any:
        """What the model says of it."""
        raise NotImplementedError("this handler has no predict_fn: define it")

    def default_output_fn(self, prediction: Any, accept: str, context: Any = None) -> Any:
        """The body of the answer, and its content type."""
        return encoder.encode(prediction, accept), accept
