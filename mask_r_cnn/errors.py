"""The mistakes that a user can make, each told as one sentence that says what to change."""

from __future__ import annotations


class InputError(Exception):
    """What the user gave cannot be used; the message is the whole story, no traceback needed."""


class HyperparameterError(InputError):
    """A hyperparameter is unknown, of the wrong type or out of range."""


class DataError(InputError):
    """A channel is missing, empty, or holds what cannot be trained on."""


class TrainingError(InputError):
    """Training cannot go on: a loss that is not finite, memory that ran out, a full disk."""
