"""Hyperparameters: what each encoding means, and what the user is told when one is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import HyperparameterError
from hyperparameters import Hyperparameters, main, parse, schema

ROOT = Path(__file__).resolve().parents[2]


def told(*words: str) -> str:
    with pytest.raises(HyperparameterError) as caught:
        parse(words)
    return str(caught.value)


def test_defaults_are_the_designs() -> None:
    chosen = parse([])
    assert (chosen.num_epochs, chosen.num_classes, chosen.batch_size) == (10, None, 2)
    assert (chosen.learning_rate, chosen.momentum, chosen.weight_decay) == (0.005, 0.9, 0.0005)
    assert (chosen.lr_step_size, chosen.lr_gamma) == (3, 0.1)
    assert (chosen.min_size, chosen.max_size) == (800, 1333)
    assert (chosen.pretrained, chosen.optimizer, chosen.backbone) == (
        "coco",
        "sgd",
        "resnet50_fpn",
    )
    assert chosen.gradient_clip > 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.01", 0.01),
        ('"0.01"', 0.01),
        ("'0.01'", 0.01),
        (" 1e-2 ", 0.01),
        ("1E-02", 0.01),
        ("1", 1.0),
    ],
)
def test_numbers_in_every_encoding(text: str, value: float) -> None:
    assert parse(["--learning_rate", text]).learning_rate == value


@pytest.mark.parametrize("text", ["3", "3.0", '"3"', "'3'", "3e0", "+3"])
def test_whole_numbers_in_every_encoding(text: str) -> None:
    assert parse([f"--num_epochs={text}"]).num_epochs == 3


@pytest.mark.parametrize("text", ["true", "True", '"true"', '"True"', "1", "yes", "on"])
def test_flags_in_every_encoding(text: str) -> None:
    assert parse(["--deterministic", text]).deterministic is True


@pytest.mark.parametrize("text", ["false", "False", '"false"', "0", "no", "off"])
def test_a_flag_that_says_false_is_false(text: str) -> None:
    assert parse(["--tensorboard", text]).tensorboard is False


def test_a_flag_may_stand_alone() -> None:
    assert parse(["--deterministic", "--num_epochs", "3"]).deterministic is True


@pytest.mark.parametrize("text", ["sgd", '"sgd"', "'sgd'", "SGD"])
def test_choices_in_every_encoding(text: str) -> None:
    assert parse(["--optimizer", text]).optimizer == "sgd"


@pytest.mark.parametrize("text", ["none", "None", "null", '"none"'])
def test_none_is_a_choice_where_it_is_listed(text: str) -> None:
    assert parse(["--pretrained", text]).pretrained == "none"


@pytest.mark.parametrize(("text", "value"), [("True", "on"), ("false", "off"), ("auto", "auto")])
def test_a_switch_with_auto_takes_booleans(text: str, value: str) -> None:
    assert parse(["--compile", text]).compile == value


@pytest.mark.parametrize("text", ["None", "null", "auto", "", '""'])
def test_none_means_the_default_where_there_is_one(text: str) -> None:
    assert parse(["--num_workers", text]).num_workers is None
    assert parse([f"--num_classes={text}"]).num_classes is None


@pytest.mark.parametrize("text", ["6,8", "[6, 8]", "(6, 8)", "6 8", '["6", "8"]', '"6,8"'])
def test_lists_in_every_encoding(text: str) -> None:
    assert parse(["--lr_milestones", text]).lr_milestones == (6, 8)


def test_dashes_in_a_name_are_fine() -> None:
    assert parse(["--learning-rate", "1"]).learning_rate == 1


def test_the_last_of_two_wins() -> None:
    assert parse(["--num_epochs", "3", "--num_epochs", "4"]).num_epochs == 4


def test_names_that_sagemaker_adds_are_left_alone() -> None:
    words = ["--sagemaker_program", "train.py", "--_tuning_objective_metric", "x"]
    assert parse(words) == parse([])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("--lerning_rate", "0.1"),
            "there is no hyperparameter 'lerning_rate' - did you mean learning_rate?",
        ),
        (
            ("--num_epochs", "ten"),
            "num_epochs is 'ten', but it must be a whole number from 1 to 100000",
        ),
        (("--batch_size", "0"), "batch_size is '0', but it must be a whole number from 1 to 1024"),
        (
            ("--batch_size", "2.5"),
            "batch_size is '2.5', but it must be a whole number from 1 to 1024",
        ),
        (
            ("--learning_rate", "-0.1"),
            "learning_rate is '-0.1', but it must be a number above 0 and at most 10",
        ),
        (
            ("--learning_rate", "nan"),
            "learning_rate is 'nan', but it must be a number above 0 and at most 10",
        ),
        (
            ("--learning_rate", "inf"),
            "learning_rate is 'inf', but it must be a number above 0 and at most 10",
        ),
        (("--optimizer", "adam"), "optimizer is 'adam', but it must be one of sgd, adamw"),
        (("--deterministic", "maybe"), "deterministic is 'maybe', but it must be true or false"),
        (
            ("--num_classes", "1"),
            "num_classes is '1', but it must be a whole number from 2 to 100000 "
            "(leave it out for the default)",
        ),
        (
            ("--min_size", "900", "--max_size", "800"),
            "max_size is 800, but it must be at least min_size (900)",
        ),
        (("epochs=3",), "'epochs=3' belongs to no --name"),
        (
            ("--momentum", "[0.9]"),
            "momentum is '[0.9]', but it must be a number from 0 to 0.999",
        ),
        (("--batch_size",), "batch_size is 'true', but it must be a whole number from 1 to 1024"),
    ],
)
def test_what_is_wrong_is_told(words: tuple[str, ...], sentence: str) -> None:
    assert told(*words) == sentence


def test_a_name_like_nothing_points_to_the_list() -> None:
    assert told("--zzzz", "1").endswith("see `train --describe` for all names")


def test_all_mistakes_are_told_together() -> None:
    text = told("--epochs", "3", "--batch_size", "0", "--optimizer", "x")
    assert text.startswith("3 hyperparameters are wrong: (1) there is no hyperparameter 'epochs'")
    assert "(2) batch_size is '0'" in text
    assert "(3) optimizer is 'x'" in text


def test_a_long_value_is_cut_in_the_message() -> None:
    assert len(told("--batch_size", "9" * 5000)) < 200


@given(st.lists(st.text(max_size=30), max_size=8))
def test_no_words_break_the_parser(words: list[str]) -> None:
    names = [item.name for item in fields(Hyperparameters)]
    for argv in (words, [x for pair in zip(names, words) for x in (f"--{pair[0]}", pair[1])]):
        try:
            assert isinstance(parse(argv), Hyperparameters)
        except HyperparameterError as error:
            assert "\n" not in str(error)


@given(st.sampled_from(sorted(item.name for item in fields(Hyperparameters))), st.floats())
def test_a_number_is_taken_within_its_range_or_refused(name: str, value: float) -> None:
    try:
        chosen = parse([f"--{name}={value!r}"])
    except HyperparameterError:
        return
    entry = next(one for one in schema()["hyperparameters"] if one["name"] == name)
    taken = getattr(chosen, name)
    if entry["kind"] in ("integer", "number") and taken is not None:
        assert taken == value
        assert entry["minimum"] <= taken <= entry["maximum"]


def test_the_schema_is_json_and_holds_every_default() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "mask_r_cnn" / "hyperparameters.py"), "--schema"],
        capture_output=True,
        check=True,
        text=True,
    )
    entries = {entry["name"]: entry for entry in json.loads(run.stdout)["hyperparameters"]}
    assert list(entries) == [item.name for item in fields(Hyperparameters)]
    assert entries["gradient_clip"]["minimum"] == 0
    assert all(entry["help"].endswith(".") for entry in entries.values())
    assert entries["optimizer"]["choices"] == ["sgd", "adamw"]


def test_every_default_is_allowed() -> None:
    for entry in schema()["hyperparameters"]:
        if entry["default"] is not None:
            parse([f"--{entry['name']}", str(entry["default"])])
        else:
            assert entry["unset"]


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, hyperparameters; print(sorted({'numpy', 'torch', 'PIL'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "mask_r_cnn",
        capture_output=True,
        check=True,
        text=True,
    )
    assert run.stdout.strip() == "[]"


def test_the_page_of_the_guide_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "hyperparameters.md").read_text(encoding="utf-8")
    assert main(["--markdown"]) == 0
    assert capsys.readouterr().out == page, "make it again: hyperparameters.py --markdown"
