"""`byoa VERB …`: finds the verb's module, parses with it alone, runs it."""

from __future__ import annotations


def main() -> int:
    raise SystemExit("byoa has no verbs yet")
