"""Scripts as commands: held against SQLite itself, which ends a command where it ends."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline.statements import atomic, first_word, head, split

TRIGGER = "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; DELETE FROM c; END;"


@pytest.mark.parametrize(
    ("code", "commands"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;", ["SELECT 1;"]),
        ("SELECT 1; \n SELECT 2 ;\n", ["SELECT 1;", "SELECT 2 ;"]),
        ("SELECT ';'; SELECT 2", ["SELECT ';';", "SELECT 2"]),
        ("SELECT 'it''s; 1'; SELECT \"a;b\"", ["SELECT 'it''s; 1';", 'SELECT "a;b"']),
        ("-- a; b\nSELECT 1; -- c; d", ["-- a; b\nSELECT 1;"]),
        ("/* a; */ SELECT 1 /* ; */; /* end */", ["/* a; */ SELECT 1 /* ; */;"]),
        (";;; SELECT 1;;", ["SELECT 1;"]),
        (" \n-- nothing\n", []),
        ("", []),
        (TRIGGER + " SELECT 1;", [TRIGGER, "SELECT 1;"]),
    ],
)
def test_sqlite(code, commands):
    assert list(split(code, ";", sqlite3.complete_statement)) == commands


@pytest.mark.parametrize(
    ("code", "commands"),
    [
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("DO $$ BEGIN; x; END $$; SELECT 1", ["DO $$ BEGIN; x; END $$", "SELECT 1"]),
        ("DO $a$ ; $$ ; $a$; SELECT 1", ["DO $a$ ; $$ ; $a$", "SELECT 1"]),
        ("SELECT 'open; SELECT 2;", ["SELECT 'open; SELECT 2;"]),
    ],
)
def test_other_databases(code, commands):
    assert list(split(code, ";")) == commands


def test_a_token_of_the_users_own_is_taken_literally():
    assert list(split("a;\nGO\n b GO ", "GO")) == ["a;\n", "\n b "]


@pytest.mark.parametrize(
    ("commands", "one"),
    [
        (["CREATE TABLE a (b)", "-- c\nINSERT INTO a VALUES (1)"], True),
        (["/* x */ VACUUM;"], False),
        (["begin;", "DROP TABLE a;", "Commit;"], False),
        (["PRAGMA foreign_keys=ON;", "SELECT 1"], False),
        ([], True),
    ],
)
def test_what_can_be_one_transaction(commands, one):
    assert atomic(commands) is one


def test_first_word():
    assert first_word("  -- c\n /* d */ Select 1") == "select"
    assert first_word("(SELECT 1)") == ""


PIECES = st.sampled_from(
    ["SELECT 1", ";", "'", '"', "--", "\n", "/*", "*/", " ", "a;b", "''", "x", "END", "BEGIN"]
)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_nothing_is_lost_and_every_command_is_whole(code):
    commands = list(split(code, ";", sqlite3.complete_statement))
    assert all(sqlite3.complete_statement(command) for command in commands[:-1])
    at = 0
    for command in commands:  # in order, as they stand in the script
        found = code.index(command, at)
        assert nothing(code[at:found])
        at = found + len(command)
    assert nothing(code[at:])


def nothing(gap):
    """Whether there are only comments, spaces and semicolons."""
    while (rest := head(gap)).startswith(";"):
        gap = rest[1:]
    return not rest


@given(st.lists(st.sampled_from(["SELECT 1", "SELECT ';'", "-- x;\nSELECT 2", 'SELECT ";"'])))
def test_as_many_commands_as_were_joined(parts):
    assert len(list(split(";\n".join(parts), ";", sqlite3.complete_statement))) == len(parts)
    assert len(list(split(";\n".join(parts), ";"))) == len(parts)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_is_split(code):
    list(split(code, ";"))
    list(split(code, ";", sqlite3.complete_statement))
