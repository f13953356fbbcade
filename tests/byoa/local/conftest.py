"""Every test here may ask for `home`, whose jobs are plain processes."""

from tests.local_home import home

__all__ = ["home"]
