"""Hyperparameters in every encoding, and files that are not what they should be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container.configuration import read_object
from container.errors import ConfigurationError
from container.hyperparameters import (
    check_passable,
    decode,
    is_true,
    read,
    split,
    to_arguments,
)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("0.01", 0.01),
        ("10", 10),
        ("abc", "abc"),
        ('"abc"', "abc"),
        ("true", True),
        ("null", None),
        ("", ""),
        ("[1, 2]", [1, 2]),
        ("True", "True"),
        ("{'a': 1}", "{'a': 1}"),
        ("s3://bucket/key", "s3://bucket/key"),
        (5, 5),
        (None, None),
        ([1], [1]),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_decode(sent, value):
    assert decode(sent) == value


def test_a_value_too_deep_to_decode_stays_text():
    deep = "[" * 100_000 + "]" * 100_000
    assert decode(deep) == deep


@settings(deadline=None)
@given(st.text())
def test_any_text_decodes(text):
    decode(text)


@settings(deadline=None)
@given(JSON_VALUES)
def test_json_decodes_to_what_was_encoded(value):
    assert decode(json.dumps(value)) == value


@pytest.mark.parametrize("value", [True, "true", "True", '"true"', "1", 1, "yes", "on", " TRUE "])
def test_on(value):
    assert is_true(value)


@pytest.mark.parametrize("value", [False, "false", "False", "0", 0, "", None, "no", "off", "None"])
def test_off(value):
    """sagemaker-training takes the text "False" for true."""
    assert not is_true(value)


def test_whose_they_are():
    found = split(
        {
            "lr": 1,
            "sagemaker_program": "a.py",
            "sagemaker_mpi_enabled": True,
            "_tuning_objective_metric": "loss",
            "default_user_module_name": "x",
        }
    )
    assert found.own == {"lr": 1}
    assert set(found.reserved) == {
        "sagemaker_program",
        "_tuning_objective_metric",
        "default_user_module_name",
    }
    assert found.framework == {"sagemaker_mpi_enabled": True}


def test_arguments():
    values = {"b": 1, "a": "x", "items": [1, 2], "pairs": {"y": 2, "x": 1}, "none": None, "": "e"}
    assert to_arguments(values) == [
        *["", "e"],
        *["-a", "x"],
        *["-b", "1"],
        *["--items", "[1, 2]"],
        *["--none", ""],
        *["--pairs", "x=1,y=2"],
    ]


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON_VALUES, max_size=5))
def test_any_arguments_pass_or_are_refused_in_a_sentence(values):
    arguments = to_arguments(values)
    assert len(arguments) == 2 * len(values)
    try:
        check_passable(arguments)
    except ConfigurationError as error:
        assert "Remove it." in str(error)
    else:
        assert all("\0" not in argument for argument in arguments)


# --- files that people make ------------------------------------------------------------------


@pytest.mark.parametrize("content", [None, b"", b"  \n", b"{}", b"\xef\xbb\xbf{}", b"\xef\xbb\xbf"])
def test_no_hyperparameters(tmp_path, content):
    path = tmp_path / "hyperparameters.json"
    if content is not None:
        path.write_bytes(content)
    assert read(path).own == {}


def test_a_byte_order_mark_is_skipped(tmp_path):
    path = tmp_path / "hyperparameters.json"
    path.write_bytes(b'\xef\xbb\xbf{"lr": "0.1"}')
    assert read(path).own == {"lr": 0.1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[1, 2]", "holds a JSON array. Make it one object"),
        (b'"text"', "holds a JSON string"),
        (b"3", "holds a JSON number"),
        (b"null", "holds a JSON null"),
        (b"true", "holds a JSON boolean"),
        (b'{"a": 1,}', "is not JSON: "),
        (b"{'a': 1}", "at line 1, column 2. Correct the file."),
        (b'{"a": "1"} {"b": "2"}', "is not JSON: Extra data"),
        (b"lr: 0.1\n", "is not JSON"),
        ('{"név": "ő"}'.encode("iso8859-2"), "is not UTF-8 (byte 3). Save the file as UTF-8."),
        ('{"a": "1"}'.encode("utf-16"), "is not UTF-8 (byte 0)"),
        (b'{"a": ' + b"[" * 100_000, "too large or too deep"),
        (b"\x00\x01\x02", "is not JSON"),
    ],
)
def test_a_file_that_is_something_else(tmp_path, content, said):
    path = tmp_path / "hyperparameters.json"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read_object(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_a_folder_in_its_place(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        read_object(tmp_path)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "garbage.json"
    path.write_bytes(content)
    try:
        assert isinstance(read_object(path), dict)
    except ConfigurationError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize("name", ["hyperparameters", "resourceconfig", "inputdataconfig"])
@pytest.mark.parametrize("content", [b"[]", b"{", b"\xff"])
def test_the_job_ends_with_that_sentence(place, name, content):
    path = place.config(name, content)
    assert place.train("echo") == 1
    assert place.headline.startswith(f"ConfigurationError: {path} ")
    assert "Traceback" not in place.log
