"""The errors of the harness: each message is a sentence with the value, then what to do."""

from __future__ import annotations


class HarnessError(Exception):
    """The job cannot start, or its program failed; the message is for the person who sent it."""


class ConfigurationError(HarnessError):
    """A file below input/config cannot be used as it is."""


class ProgramError(HarnessError):
    """The program to run is missing, unreadable or of a kind that cannot be run."""


class RequirementsError(HarnessError):
    """requirements.txt could not be installed."""


class HostError(HarnessError):
    """A host of this job cannot be found on the network."""
