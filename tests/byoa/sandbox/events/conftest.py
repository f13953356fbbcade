"""Machines and their role, as the tests of Step Functions make them."""

from tests.byoa.sandbox.stepfunctions.conftest import machine, states_role

__all__ = ["machine", "states_role"]
