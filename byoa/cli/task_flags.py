"""The flags of run, shell, process and train (simple-sagemaker's names, and ours), as a Task."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from byoa import record, results, run
from byoa.cli.common import add_common, settings_of
from byoa.cli.next_steps import say_next
from byoa.cli.show import emit, say
from byoa.place import Place, open_place
from byoa.plan.errors import JobFailedError, UsageError
from byoa.plan.layout import ProjectPlace
from byoa.plan.templates import over
from byoa.settings import Settings
from byoa.task import DISTRIBUTIONS, MADE, Image, Input, Program, Task

#: Flags that are fields of the job, and of the task, by the same name.
JOB = (
    *("instance_count", "volume_gb", "max_run", "max_wait", "isolation", "subnets"),
    *("security_groups", "keep_alive"),
)
TASK = (
    *("metrics", "distribution", "spot", "on_demand_fallback", "force", "clean_state"),
    *("interrupt_after", "max_cost"),
)
IMAGE = ("framework", "version", "python", "dockerfile", "tag")
SHARE = "[DISTRIBUTION] [SUBDIR]"
DOCKERFILE = "a Dockerfile, its folder or its text; __BASE_IMAGE__ is replaced"
DATA = "a folder or an address as a channel; again for more"
REQUEST = "fields of AWS's request, or @FILE; lists by name"
INTERRUPT = "take spot back then: 30 or 30,60 (docker, process, sandbox)"

Flag = tuple[tuple[str, ...], dict[str, Any]]
Flags = Mapping[str, Sequence[Flag]]


def flag(*names: str, **options: Any) -> Flag:
    return names, options


def words(*names: str, **options: Any) -> Flag:
    """A flag of one or more words that may be given again."""
    return names, {"nargs": "+", "action": "append", "default": [], **options}


def pairs(*names: str, value: str = "VALUE", **options: Any) -> Flag:
    two = {"nargs": 2, "action": "append", "default": [], "metavar": ("NAME", value)}
    return names, {**two, **options}


def minutes(text: str) -> int:
    return int(text) * 60


def json_of(text: str) -> dict[str, Any]:
    """JSON, or @ and the name of a file with it."""
    try:
        found = json.loads(Path(text[1:]).read_text() if text.startswith("@") else text)
    except (OSError, ValueError) as error:
        said = f"{text[:60]!r} cannot be read as JSON: {error}"
        raise argparse.ArgumentTypeError(said) from error
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f'{text[:60]!r} is no JSON object such as {{"Field": …}}')
    return found


#: Every flag by its group. Names and meanings are simple-sagemaker's where it has them.
COMMON: Flags = {
    "Machines": (
        flag("--instance_type", "--it", default="", help="A, or A,B: tried while capacity lacks"),
        flag("--instance_count", "--ic", type=int, default=1),
        flag("--volume_size", "-v", dest="volume_gb", type=int, default=30, help="GB (30)"),
        flag("--max_run_mins", dest="max_run", type=minutes, default="1440", help="minutes (1440)"),
        flag("--isolation", action="store_true", help="no network inside the job"),
        flag("--subnets", nargs="+", default=[]),
        flag("--security_groups", nargs="+", default=[]),
        flag("--max-cost", type=float, metavar="USD", help="refuse what may cost more"),
    ),
    "Image": (
        flag("--image", help="its address; a tag of docker; a folder with train.py"),
        flag("--role", help="the role's name or ARN (made if not given)"),
        flag("--aws_repo_name", "--ar", help="repository in ECR for what --df builds"),
        flag("--repo_name", "--rn", help="name of the image that --df builds"),
        flag("--image_tag", dest="tag", default="latest"),
        flag(
            "--docker_file_path_or_content", "--df", dest="dockerfile", default="", help=DOCKERFILE
        ),
        flag("--framework", "-f", default="", help="AWS's image: pytorch, tensorflow, …"),
        flag("--framework_version", "--fv", dest="version", default=""),
        flag("--py_version", "--pv", dest="python", default=""),
    ),
    "Input": (
        words("--input_path", "-i", metavar="PATH", help=f"as the channel `data`: PATH {SHARE}"),
        words("--input_s3", "--iis", metavar="NAME", help=f"NAME ADDRESS {SHARE}"),
        words("--input_task", "--iit", metavar="NAME", help=f"NAME TASK {'|'.join(MADE)} {SHARE}"),
        flag("--clean_state", "--cs", action="store_true", help="delete the state; runs again"),
        flag("--keep_state", "--ks", action="store_false", dest="clean_state"),
    ),
    "Running": (
        flag("--force_running", "--fr", dest="force", action="store_true", help="in any case"),
        flag("--detach", action="store_true", help="do not wait for the end"),
        pairs("--env"),
        pairs("--tag", dest="tags"),
        flag("--request", type=json_of, default={}, metavar="JSON", help=REQUEST),
    ),
    "Output": (
        flag("--output_path", "-o", type=Path, metavar="OUT", help="logs go to OUT/logs"),
        *(flag(f"--download_{part}", action="store_true") for part in results.PARTS),
    ),
}
TRAINING: Flags = {
    "Machines": (
        flag("--no_spot", action="store_false", dest="spot", help="on demand"),
        flag("--use_spot_instances", action="store_true", dest="spot", default=True),
        flag(
            "--max_wait_mins", dest="max_wait", type=minutes, default="0", help="with spot's wait"
        ),
        flag("--on_demand_fallback", action="store_true", help="if there is no spot"),
        flag("--interrupt-after", default="", metavar="SECONDS", help=INTERRUPT),
        flag("--keep_alive", type=int, default=0, metavar="SECONDS", help="a warm pool"),
    ),
    "Input": (
        flag("--model_uri", help="a model to start from, as the channel `model`"),
        flag("--data", action="append", default=[], metavar="NAME=PLACE", help=DATA),
        flag("--input_mode", choices=("File", "FastFile", "Pipe"), default="File"),
    ),
    "Running": (
        flag("--distribution", type=json_of, default={}, metavar="JSON"),
        pairs("--metric_definitions", "--md", dest="metrics", value="REGEX"),
    ),
}
CODE: Flags = {"Code": (words("--dependencies", "-d", type=Path, help="put beside the script"),)}


def add_flags(parser: argparse.ArgumentParser, *tables: Flags) -> None:
    """--task_name, the tables' flags by group, and where it runs."""
    parser.add_argument("--task_name", "-t", help="the task's name (byoa.toml's task)")
    groups: dict[str, Any] = {}
    for table in tables:
        for title, flags in table.items():
            if title not in groups:
                groups[title] = parser.add_argument_group(title)
            for names, options in flags:
                groups[title].add_argument(*names, **options)
    add_common(parser, dry_run=True)


def task_of(arguments: argparse.Namespace, settings: Settings, program: Program, kind: str) -> Task:
    """The Task that the flags and byoa.toml say. Many flags are called as its fields are."""
    said = vars(arguments)
    types = arguments.instance_type or settings.instance_type
    given = dict(pair(word, "-h") for word in said.get("hyperparameters") or ())
    defaults = settings.hyperparameters if kind == "training" else {}
    return Task(
        project=settings.need_project(),
        name=settings.need_task(arguments.task_name),
        kind=kind,
        program=program,
        image=Image(
            uri=arguments.image or "",
            repository=arguments.aws_repo_name or arguments.repo_name or "",
            **{name: said[name] for name in IMAGE},
        ),
        inputs=inputs_of(arguments) or own_data(arguments, settings, program),
        hyperparameters={**defaults, **given, **unknown_pairs(arguments)},
        environment=dict(arguments.env),
        tags={**settings.tags, **dict(arguments.tags)},
        types=[word.strip() for word in types.split(",") if word.strip()],
        job={
            **{name: said[name] for name in JOB if name in said},
            "extra": over(settings.request.get(kind, {}), arguments.request),
        },
        **{name: said[name] for name in TASK if name in said},
    )


def inputs_of(arguments: argparse.Namespace) -> list[Input]:
    """-i, --iis, --iit, --data and --model_uri as inputs, each with its own distribution."""
    mode = getattr(arguments, "input_mode", "File")
    found = [words_input("-i", ["data", *words], 2, mode) for words in arguments.input_path]
    found += [words_input("--iis", words, 2, mode) for words in arguments.input_s3]
    found += [words_input("--iit", words, 3, "File") for words in arguments.input_task]
    for word in getattr(arguments, "data", ()):
        name, where = pair(word, "--data")
        found.append(Input(name=name, where=where, mode=mode))
    if getattr(arguments, "model_uri", None):
        found.append(Input(name="model", where=arguments.model_uri))
    names = [item.name for item in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"The input {name!r} is there twice. Give the second a name: --iis.")
    return found


def own_data(arguments: argparse.Namespace, settings: Settings, program: Program) -> list[Input]:
    """byoa.toml's [data] as channels, for the image's own algorithm."""
    if program.is_sent or not hasattr(arguments, "data"):
        return []
    mode = arguments.input_mode
    return [
        Input(name=name, where=where if "://" in where else str(settings.folder / where), mode=mode)
        for name, where in settings.data.items()
    ]


def words_input(flag: str, words: Sequence[str], least: int, mode: str) -> Input:
    if not least <= len(words) <= least + 2:
        asked = {"-i": "PATH", "--iis": "NAME ADDRESS", "--iit": "NAME TASK TYPE"}[flag]
        raise UsageError(f"{flag} {' '.join(words)!r}: it takes {asked} {SHARE}.")
    rest = [*words[least:], "", ""]
    return Input(
        name=words[0],
        where=words[1],
        made=words[2] if least == 3 else "",
        distribution=rest[0] or DISTRIBUTIONS[0],
        subdir=rest[1],
        mode=mode,
    )


def pair(word: str, flag: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise UsageError(f"{flag} {word!r} is no NAME=VALUE.")
    return name, value


def unknown_pairs(arguments: argparse.Namespace) -> dict[str, str]:
    """Unknown `--name value` pairs are hyperparameters; one that looks like a flag is told."""
    import difflib

    found, words = {}, list(arguments.unknown)
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if not name.startswith("--") or len(name) < 3 or not (equals or words):
            raise UsageError(
                f"{word!r} is no flag of byoa's, and no --name value pair for the script."
                " Put what is for the script alone after --"
            )
        found[name[2:]] = value if equals else words.pop(0)
        near = difflib.get_close_matches(name, arguments.flags, 1, 0.85)
        if near:
            say(f"{name} is taken for a hyperparameter. Was {near[0]} meant?")
    return found


def carry_out(arguments: argparse.Namespace, program: Program, kind: str = "training") -> int:
    """What the four verbs have in common: the task, run or printed; its results shown and kept."""
    settings, keep = settings_of(arguments), wanted(arguments)
    task = task_of(arguments, settings, program, kind)
    place = open_place(settings)
    refuse(task, place)
    if arguments.dry_run:
        arguments.json = True
        emit(run.dry_run(task, place, settings), arguments)
        return 0
    try:
        outcome = run.run_task(task, place, settings, detach=arguments.detach)
    except JobFailedError:
        keep_logs(arguments, task, place)
        raise
    if outcome.action == "detached" or (arguments.detach and outcome.action != "skip"):
        emit({"task": task.name, "job": outcome.run.job, "status": "InProgress"}, arguments)
        return 0 if arguments.detach else 130
    if keep:
        results.download(place, outcome.where, outcome.run, keep)
    summary = results.summary(place, outcome.where, outcome.run, outcome.described)
    emit({**summary, "action": outcome.action, "why": outcome.why}, arguments)
    verbs = ["logs", "download -o OUT"]
    if not program.is_sent:  # a script's model has nothing that answers, its output no report
        verbs += ["deploy"] if "model" in summary else []
        verbs += ["report"] if "output" in summary and not keep else []
    say_next(arguments, verbs, task.name)
    return 0


def keep_logs(arguments: argparse.Namespace, task: Task, place: Place) -> None:
    """With -o a failed job leaves its logs, too."""
    where = ProjectPlace(place.storage.base, task.project).task(task.name)
    last = record.latest(place.storage, where)
    if last and arguments.output_path:
        results.download(place, where, last, results.Wanted(arguments.output_path))


def wanted(arguments: argparse.Namespace) -> results.Wanted | None:
    """What -o and the --download flags ask for; None without -o."""
    folder = arguments.output_path
    parts = [name for name in results.PARTS if getattr(arguments, f"download_{name}")]
    if parts and not folder:
        raise UsageError(f"--download_{parts[0]} needs a folder to bring it to: -o OUT.")
    return results.Wanted(folder, parts, report=True) if folder else None


def refuse(task: Task, place: Place) -> None:
    if task.interrupt_after and not place.is_local:
        raise UsageError(
            "--interrupt-after takes a spot instance back, which on AWS only AWS can do. Use --on"
            " docker, process or sandbox, or leave it out."
        )
