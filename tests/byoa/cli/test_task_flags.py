"""simple-sagemaker's flags and aliases, and what a Task becomes of them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.cli import main as cli
from byoa.cli.run import program
from byoa.cli.task_flags import task_of
from byoa.plan.errors import UsageError
from byoa.settings import Settings
from byoa.task import Task

from ..conftest import Byoa

#: Every flag of `ssm`, with its aliases, by verb.
SSM = {
    "run": """--project_name -p --task_name -t --bucket_name -b --prefix --source_dir -s
        --entry_point -e --dependencies -d --instance_type --it --instance_count --ic --volume_size
        -v --no_spot --use_spot_instances --max_run_mins --max_wait_mins --aws_repo_name --ar
        --repo_name --rn --image_tag --docker_file_path_or_content --df --framework -f
        --framework_version --fv --py_version --pv --input_path -i --input_s3 --iis --input_task
        --iit --model_uri --clean_state --cs --keep_state --ks --metric_definitions --md
        --force_running --fr --distribution --tag --output_path -o --download_state
        --download_model --download_output""",
    "shell": "--cmd_line --cmd --dir_files --dependencies -d --it --ic -i --iis --iit --md --tag",
    "process": """--code --entrypoint -e --command --dependencies -d --instance_type --it
        --instance_count --ic --volume_size -v --max_run_mins --aws_repo_name --ar --repo_name --rn
        --image_tag --docker_file_path_or_content --df --framework -f --framework_version --fv
        --input_path -i --input_s3 --iis --input_task --iit --force_running --fr --clean_state --cs
        --keep_state --ks --tag --env --arguments --output_path -o --download_state
        --download_model --download_output""",
    "data": """--project_name -p --task_name -t --bucket_name -b --prefix --clean_state --cs -o
        --output_path --download_state --download_model --download_output""",
}


def task(line: str, **settings: Any) -> Task:
    """The Task of a command line of `byoa run`."""
    words = shlex.split(f"-p ssm-ex -t ex -e train.py {line}")
    arguments = cli.parsed("run", cli.module_of("run"), words)
    said = Settings(**{"project": "ssm-ex", **settings})
    return task_of(arguments, said, program(arguments), "training")


@pytest.mark.parametrize("verb", SSM)
def test_every_flag_of_simple_sagemaker_is_one_of_ours(verb: str):
    parser = cli.parser_for(verb, cli.module_of(verb))
    ours = {name for action in parser._actions for name in action.option_strings}
    assert set(SSM[verb].split()) <= ours


def test_the_two_commands_of_the_full_example():
    """The flags of simple-sagemaker's own run3.sh, with `ssm` replaced."""
    first = task(
        "-s ./code -e ssm_ex3_worker.py -i ./data ShardedByS3Key --iis persons"
        " s3://awsglue-datasets/examples/us-legislators/all/persons.json"
        ' --df "RUN pip3 install pandas==0.25.3 scikit-learn==0.21.3" --repo_name "ex3_repo"'
        ' --aws_repo_name "ex3_repo" --no_spot --ic 2 --task_type 1 -o ./out3/ex3_1 --force_running'
    )
    data, persons = first.inputs
    assert (data.name, data.where, data.distribution) == ("data", "./data", "ShardedByS3Key")
    assert (persons.name, persons.distribution) == ("persons", "FullyReplicated")
    assert first.image.repository == "ex3_repo"
    assert first.image.dockerfile.startswith("RUN pip3 install pandas")
    assert (first.spot, first.force, first.job["instance_count"]) == (False, True, 2)
    assert first.hyperparameters == {"task_type": "1"}
    second = task(
        "-s ./code -d ./external_dependency --iit ex3_1_model ex3-1 model"
        " --iit ex3_1_state ex3-1 state ShardedByS3Key -f tensorflow"
        ' --md "Score" "Score=(.*?);" --tag "MyTag" "MyValue" --ic 2 --task_type 2'
    )
    model, state = second.inputs
    assert (model.name, model.where, model.made) == ("ex3_1_model", "ex3-1", "model")
    assert (state.made, state.distribution) == ("state", "ShardedByS3Key")
    assert (second.spot, second.image.framework) == (True, "tensorflow")
    assert [tuple(pair) for pair in second.metrics] == [("Score", "Score=(.*?);")]
    assert second.tags == {"MyTag": "MyValue"}
    assert second.program.dependencies == [Path("external_dependency")]


@pytest.mark.parametrize(
    "line",
    [
        "data -p ssm-ex -t ex1 --force_running",
        'shell -p ssm-ex -t ex1 -o ./out1 --it ml.p3.2xlarge --cmd_line "cat /proc/cpuinfo"',
        "run -p ssm-ex -t ex2 -e ssm_ex2.py -o ./out2 --it ml.p3.2xlarge --ic 2 --force_running",
        "process -p ssm-ex -t p --code a.py -f sklearn --fv 0.20.0 --arguments x 1",
    ],
)
def test_the_other_commands_of_the_walk_through_parse(line: str):
    verb, *words = shlex.split(line)
    assert cli.parsed(verb, cli.module_of(verb), words).task_name


def test_the_defaults_are_simple_sagemakers():
    found = task("")
    assert found.attempts == [(("ml.m5.large",), True)]
    assert found.job["instance_count"] == 1
    assert (found.job["volume_gb"], found.job["max_run"]) == (30, 86_400)
    assert not found.force
    assert not found.clean_state


def test_minutes_mode_sub_folders_and_the_rest():
    found = task(
        "--max_run_mins 10 --max_wait_mins 20 -v 50 -i s3://b/x FullyReplicated sub/dir"
        " --input_mode FastFile --model_uri s3://b/model.tar.gz --it a,b --on_demand_fallback"
        ' --distribution \'{"mpi": {"enabled": true}}\' --request \'{"RetryStrategy": {"a": 1}}\''
        " --env A 1 --interrupt-after 3,4 --max-cost 2.5"
    )
    assert (found.job["max_run"], found.job["max_wait"], found.job["volume_gb"]) == (600, 1200, 50)
    data, model = found.inputs
    assert (data.subdir, data.mode, model.name) == ("sub/dir", "FastFile", "model")
    assert found.attempts == [(("a",), True), (("b",), True), (("a", "b"), False)]
    assert found.job["extra"] == {"RetryStrategy": {"a": 1}}
    assert (found.interrupt_after, found.max_cost) == ("3,4", 2.5)


def test_settings_stand_behind_the_flags():
    settings = {
        "instance_type": "ml.g5.xlarge", "tags": {"team": "a", "x": "1"},
        "hyperparameters": {"lr": "1", "epochs": "2"}, "request": {"training": {"A": 1}},
    }  # fmt: skip
    found = task("--lr 5 --tag x 2", **settings)
    assert found.types == ["ml.g5.xlarge"]
    assert found.hyperparameters == {"lr": "5", "epochs": "2"}
    assert found.tags == {"team": "a", "x": "2"}
    assert found.job["extra"] == {"A": 1}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--epochs", "no --name value pair"),
        ("stray", "'stray' is no flag"),
        ("-i a Sharded", "It is FullyReplicated"),
        ("-i a ShardedByS3Key sub more", "it takes PATH"),
        ("--iis onlyname", "it takes NAME ADDRESS"),
        ("--iit n task weights", "Take model, output, state, source"),
        ("--iit n task model FullyReplicated sub", "is an archive"),
        ("-i a -i b", "'data' is there twice"),
        ("--data nothing", "no NAME=VALUE"),
        ("--request nonsense", "cannot be read as JSON"),
        ("--request [1]", "no JSON object"),
        ("--distribution nonsense", "--distribution: 'nonsense' cannot be read as JSON"),
        ("--request @missing.json", "cannot be read as JSON"),
        ("--max_run_mins ten", "invalid minutes value"),
    ],
)
def test_a_mistake_is_a_sentence(line: str, said: str):
    with pytest.raises(UsageError, match=said.replace("[", r"\[")):
        task(line)


def test_a_pair_that_looks_like_a_flag_is_told(capsys: pytest.CaptureFixture[str]):
    assert task("--instance_typ ml.g5.xlarge").hyperparameters == {"instance_typ": "ml.g5.xlarge"}
    assert "Was --instance_type meant?" in capsys.readouterr().err


NAME = st.from_regex(r"[a-z][a-z_]{3,12}_q", fullmatch=True)


@given(st.dictionaries(NAME, st.text(max_size=20)), st.lists(st.text(max_size=20)))
def test_any_value_of_a_hyperparameter_and_any_argument_arrives(
    pairs: dict[str, str], passed: list[str]
):
    words = [f"--{name}={value}" for name, value in pairs.items()]
    given_words = ["-t", "x", "-e", "train.py", *words, "--", *passed]
    arguments = cli.parsed("run", cli.module_of("run"), given_words)
    made = task_of(arguments, Settings(project="p"), program(arguments), "training")
    assert dict(made.hyperparameters) == pairs
    assert list(made.program.arguments) == passed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["shell", "-t", "x", "--cmd_line", " "], "--cmd_line is empty"),
        (["shell", "-t", "x", "--cmd_line", "ls", "--", "a"], "no arguments"),
        (["shell", "-t", "x", "--cmd_line", "ls", "--dir_files", "none"], "is no folder"),
        (["process", "-t", "x"], "one of them"),
        (["process", "-t", "x", "--code", "a.py", "-e", "b"], "one of them"),
        (["process", "-t", "x", "--code", "a.py", "--lr", "1"], "no hyperparameters"),
        (["train", "-t", "x", "--", "a"], "-h name=value"),
        (["train", "-t", "x", "-h", "lr"], "no NAME=VALUE"),
        (["train", "-t", "x"], "Which algorithm?"),
        (["run", "-t", "x", "-e", "none.py"], "none.py"),
        (["train", "-t", "x", "--image", "."], "holds no train.py"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_done(byoa: Byoa, words: list[str], said: str):
    done = byoa(*words, "-p", "demo", "--on", "process") if "--" not in words else byoa(
        words[0], "-p", "demo", "--on", "process", *words[1:]
    )  # fmt: skip
    assert done.code == 2
    assert said in done.err


def test_a_name_that_cannot_be_a_folder_is_told(byoa: Byoa):
    done = byoa("shell", "-p", "a/b", "-t", "x", "--cmd_line", "true", "--on", "process")
    assert done.code == 2
    assert "a/b" in done.err


def test_a_request_is_laid_over_the_one_of_byoa_toml():
    said = {"training": {"StoppingCondition": {"A": 1, "B": 2}, "C": 3}}
    found = task("""--request '{"StoppingCondition": {"B": null}, "D": 4}'""", request=said)
    assert found.job["extra"] == {"StoppingCondition": {"A": 1, "B": None}, "C": 3, "D": 4}


def test_a_task_that_nobody_names_is_byoa_tomls(byoa: Byoa, home: Path):
    Path("train.py").write_text("print('score=1;')")
    said = byoa("shell", "-p", "p", "--cmd_line", "true", "--on", "process")
    assert (said.code, "No task is named" in said.err) == (2, True)
    Path("byoa.toml").write_text('[project]\nname = "p"\ntask = "mine"\n')
    said = byoa("run", "train.py", "--on", "process")
    assert said.out.startswith("task:              mine")
    assert "Next: byoa logs --on process   byoa download -o OUT --on process" in said.err
    assert "score=1;" in byoa("logs", "--on", "process").out
    assert "mine-" in byoa("status", "--on", "process").out


def test_a_script_needs_no_flag_and_no_name(byoa: Byoa, home: Path):
    Path("fit it.py").write_text("import sys; print(sys.argv[1:])")
    said = byoa("run", "--epochs", "3", "fit it.py", "-p", "p", "--on", "process", "--", "a")
    assert "'--epochs', '3'" in said.err and "'a'" in said.err
    assert said.out.startswith("task:              fit-it")
    assert "Next: byoa logs -p p --on process -t fit-it" in said.err
    assert "byoa deploy" not in said.err, "nobody knows how a script's model answers"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run"], "No script is named. Say which: byoa run train.py"),
        (["run", "-i", ".", "train.py"], "Say which first: a flag before it took it"),
        (["run", "--verbose", "train.py"], "Say which first: a flag before it took it"),
        (["run", "trian.py"], "There is no trian.py. Did you mean train.py?"),
        (["run", "-e", "."], ". is a folder. Name the script in it, too: -s . -e SCRIPT."),
    ],
)
def test_a_script_that_is_not_there_is_told(byoa: Byoa, home: Path, words: list[str], said: str):
    Path("train.py").write_text("")
    done = byoa(*words, "-p", "p", "-t", "t", "--on", "process")
    assert (done.code, said in done.err) == (2, True), done.err


def test_a_project_that_nobody_names_is_asked_for_with_a_name_that_works(
    byoa: Byoa, home: Path, monkeypatch: pytest.MonkeyPatch
):
    Path("train.py").write_text("")
    Path("my cells").mkdir()
    Path("my cells/train.py").write_text("")
    monkeypatch.chdir("my cells")
    said = byoa("run", "train.py", "--on", "process")
    assert (said.code, "Give -p my-cells, say, or name in byoa.toml" in said.err) == (2, True)


def test_an_endpoint_that_nobody_names_is_that_tasks(byoa: Byoa, home: Path):
    Path("rows.csv").write_text("1,2\n")
    said = byoa("invoke", "rows.csv", "--on", "process")
    assert (said.code, "Which endpoint? `byoa invoke NAME rows.csv`" in said.err) == (2, True)
    Path("byoa.toml").write_text('[project]\nname = "p_1"\ntask = "mine"\n')
    said = byoa("invoke", "rows.csv", "--on", "process")
    assert said.code != 0 and "There is no endpoint p-1-mine on process; `byoa deploy`" in said.err
    assert "no endpoint p-1-mine" in byoa("undeploy", "--on", "process").err


def test_flags_stand_between_an_endpoint_and_its_file_too(byoa: Byoa, home: Path):
    Path("rows.csv").write_text("1,2\n")
    words = [["faces", "rows.csv", "-o", "out"], ["faces", "-o", "out", "rows.csv"]]
    for line in words:
        said = byoa("invoke", "--on", "process", *line)
        assert said.code == 1 and "no endpoint faces" in said.err, said.err
