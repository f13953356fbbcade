"""Secrets stay hidden, and what is none stays readable."""

from __future__ import annotations

import pytest

from container.masking import is_secret, mask, secret_values, shown


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "API-KEY", "password", "db.passwd", "HF_TOKEN", "clientSecret", "pwd",
     "aws_secret_access_key", "SM_HP_API_TOKEN", "private_key", "credentials", "auth"],
)  # fmt: skip
def test_secret_names(name):
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    ["learning_rate", "max_tokens", "keypoints", "tokenizer", "author", "num_epochs", "passes"],
)
def test_names_that_are_none(name):
    assert not is_secret(name)


def test_what_is_shown():
    values = {
        "lr": 0.1,
        "auth": {"user": "me"},
        "config": '{"password": "geheim"}',
        "url": "https://me:geheim@host/x",
        "long": "x" * 500,
        "flags": "--hf-token=geheim",
        "file": "tokenizer.json",
        "text": "two\nlines",
    }
    line = shown(values)
    assert "geheim" not in line and "\n" not in line
    assert "file=tokenizer.json" in line
    assert "lr=0.1" in line and "text=two lines" in line and len(line) < 350


def test_secret_values_at_any_depth():
    values = {"a": {"token": "abcdef1"}, "password": ["abcdef2"], "key": "short", "lr": "abcdef3"}
    assert secret_values(values) == {"abcdef1", "abcdef2"}


def test_the_working_folder_is_no_secret():
    values = {"PWD": "/home/me/job", "OLDPWD": "/home/me", "db_pwd": "geheim99"}
    assert secret_values(values) == {"geheim99"}


def test_the_longest_is_masked_first():
    assert mask("secret-and-more secret", frozenset({"secret", "secret-and-more"})) == "*** ***"
