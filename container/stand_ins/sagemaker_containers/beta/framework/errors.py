"""The errors that know their HTTP status."""

from sagemaker_inference.errors import *  # type: ignore[import-not-found]  # noqa: F403
