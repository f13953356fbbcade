"""What runs in the image for any algorithm: `train`, `serve`, `doctor`."""

__version__ = "0.1.0"
