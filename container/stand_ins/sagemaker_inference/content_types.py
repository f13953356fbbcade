"""The content types that the framework images know by name."""

from __future__ import annotations

JSON = "application/json"
CSV = "text/csv"
NPY = "application/x-npy"
NPZ = "application/x-npz"
OCTET_STREAM = "application/octet-stream"
ANY = "*/*"
#: A body of one of these reaches a handler as str.
UTF8_TYPES = [JSON, CSV]
