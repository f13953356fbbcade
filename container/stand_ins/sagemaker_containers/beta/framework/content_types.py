"""The content types, by name."""

from sagemaker_inference.content_types import *  # type: ignore[import-not-found]  # noqa: F403
