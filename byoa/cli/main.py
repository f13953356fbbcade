"""`byoa VERB …`: finds the verb's module, parses with it alone, runs it."""

from __future__ import annotations

import argparse
import difflib
import errno
import importlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from byoa.plan.errors import ByoaError, UsageError

#: Every verb, its module in byoa/cli, and what it does. Nothing of a verb is loaded for another.
VERBS: dict[str, dict[str, str]] = {
    "Start": {
        "init": "a folder that is ready to build and train",
        "doctor": "what is missing here, in AWS, in the image, and the fix",
        "build": "build the image, push it to ECR",
    },
    "Run": {
        "run": "a script as it is, on one or many instances",
        "shell": "a shell command",
        "process": "a Processing job",
        "train": "the image's own algorithm",
    },
    "Serve": {
        "deploy": "a trained model as an endpoint",
        "invoke": "send a file to an endpoint",
        "transform": "predictions for a folder of files, without an endpoint",
        "undeploy": "delete an endpoint and what belongs to it",
    },
    "Automate": {
        "pipeline": "experiments as a graph of tasks: only what changed runs, here or on AWS Batch",
        "setup": "a project's bucket, functions, builds and workflow on AWS",
        "workflow": "state machines on Step Functions: make, run, watch, trigger them",
    },
    "Look": {
        "status": "how a task's last job is doing",
        "list": "projects, tasks, jobs",
        "logs": "a job's log lines",
        "wait": "until a job has ended; its exit code",
        "stop": "stop a job",
        "download": "what a task made",
        "report": "the page of a job's training",
        "data": "a task's state and results",
        "cost": "what a job may cost, or has cost",
    },
    "Tidy": {
        "sandbox": "AWS's API on this machine",
        "clean": "list what a project left behind, and remove it",
        "teardown": "remove everything of a project",
        "completion": "completion for your shell",
    },
}
HELP = {verb: text for group in VERBS.values() for verb, text in group.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; its exit code: 0, 1 what failed, 2 what was asked wrongly, 130 Ctrl-C."""
    words = list(sys.argv[1:] if argv is None else argv)
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # `>&-` leaves a number that the next file would get, as the job's own stdout
    os.close(number)
    if isinstance(sys.stdout, io.TextIOWrapper):  # whatever the terminal can show
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = command(words)
        print(end="", flush=True)
        return code
    except SystemExit as ended:  # argparse, after its help
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except KeyboardInterrupt:
        print("byoa: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `byoa logs | head`: nobody listens, and that is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        told = told_error(error)
        print(f"byoa: {told}", file=sys.stderr)
        return told.exit_code


def command(words: list[str]) -> int:
    if not words or words[0] in {"-h", "--help", "help"}:
        if words[1:]:
            return command([words[1], "--help"])
        print(overview())
        return 0 if words else 2
    if words[0] in {"-V", "--version"}:
        from byoa import __version__

        print(f"byoa {__version__}")
        return 0
    verb, rest = words[0], words[1:]
    if verb not in HELP:
        raise UsageError(f"There is no verb {verb!r}. {nearest(verb, HELP)}")
    module = module_of(verb)
    return int(module.run(parsed(verb, module, rest)))


def told_error(error: Exception) -> ByoaError:
    """The error as one message; what is not ours, the disk's nor AWS's is a bug: a traceback."""
    if isinstance(error, ByoaError):
        return error
    if isinstance(error, OSError) and error.strerror:  # a full disk's names no file
        if error.errno in (errno.ENOSPC, errno.EDQUOT):  # of a copy the second is what was written
            written = error.filename2 or error.filename
            where = f": {Path(os.fsdecode(written)).parent}" if written else ""
            step = "Make room there, or name another disk with BYOA_HOME (and TMPDIR)"
            return ByoaError(f"{error.strerror}{where}. {step}.")
        where = f"{error.filename}: " if error.filename else ""
        return ByoaError(f"{where}{error.strerror}. Make that right first.")
    from byoa.plan.advice import explain

    told = explain(error)
    if told is None:
        raise error
    return told


def module_of(verb: str) -> ModuleType:
    """The verb's module; its package may lack in part (the sandbox needs an extra)."""
    return importlib.import_module(f"byoa.cli.{verb}")


class Parser(argparse.ArgumentParser):
    """argparse, with byoa's form of an error: what is wrong, then where to look."""

    def error(self, message: str) -> NoReturn:
        subs = [one for one in self._actions if isinstance(one, argparse._SubParsersAction)]
        if subs and message.endswith(f"required: {subs[0].metavar or subs[0].dest}"):
            message = f"say what: {self.prog} {'|'.join(subs[0].choices)}"
        message = meant(message)
        stop = "" if message[-1] in ".?" else "."
        raise UsageError(f"{message[:1].upper()}{message[1:]}{stop} See {self.prog} --help")


def meant(message: str) -> str:
    """argparse's sentence; of a wrong choice the nearest one in place of all, where one is near."""
    found = re.search(r"invalid choice: '([^']*)' \(choose from ([^)]*)\)", message)
    choices = re.findall(r"[\w.-]+", found[2]) if found else []
    near = difflib.get_close_matches(found[1], choices, 1) if found else []
    if not (found and near):
        return message
    return f"{message[: found.start()]}invalid choice: {found[1]!r}. Did you mean {near[0]}?"


def parser_for(verb: str, module: ModuleType) -> argparse.ArgumentParser:
    parser = Parser(**parser_words(verb, module))
    module.add_arguments(parser)
    return parser


def parser_words(verb: str, module: ModuleType) -> dict[str, Any]:
    return {
        "prog": f"byoa {verb}",
        "usage": getattr(module, "USAGE", None),
        "description": module.HELP,
        "epilog": f"examples:\n{module.EXAMPLES.rstrip()}" if module.EXAMPLES else None,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,
        "add_help": not getattr(module, "OWN_HELP", False),
    }


def parsed(verb: str, module: ModuleType, words: list[str]) -> argparse.Namespace:
    """The arguments. A module with PASSES_ON gets what it does not know, and what is after --.

    One with `beforehand` takes words away that no parser can know, and gives arguments for them.
    """
    if hasattr(module, "beforehand"):
        words, taken = module.beforehand(words)
        return argparse.Namespace(**vars(parsed_words(verb, module, words)), **taken)
    return parsed_words(verb, module, words)


def parsed_words(verb: str, module: ModuleType, words: list[str]) -> argparse.Namespace:
    parser = parser_for(verb, module)
    known = list(flags_of(parser))
    if not getattr(module, "PASSES_ON", False):
        arguments, unknown = mixed(parser)([spelled(word, known) for word in words])
        if unknown:
            raise UsageError(unrecognized(inner(parser, words), unknown))
        return arguments
    cut = words.index("--") if "--" in words else len(words)
    own = [spelled(word, known) for word in words[:cut]]
    arguments, unknown = parser.parse_known_args(own)
    arguments.unknown = unknown
    arguments.passed = words[cut + 1 :]
    arguments.flags = known
    return arguments


Parse = Callable[[list[str]], tuple[argparse.Namespace, list[str]]]


def mixed(parser: argparse.ArgumentParser) -> Parse:
    """A parse that takes flags between names: `invoke NAME -o answer FILE`. Not with sub-verbs."""
    subs = any(isinstance(action, argparse._SubParsersAction) for action in parser._actions)
    return parser.parse_known_args if subs else parser.parse_known_intermixed_args


def inner(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of the sub-verb that is named first, else the verb's own."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found = (action.choices[word] for word in words if word in action.choices)
            return next(found, parser)
    return parser


def unrecognized(parser: argparse.ArgumentParser, unknown: Sequence[str]) -> str:
    """What was not understood, and the flag that it may have meant."""
    flags = [flag for flag in flags_of(parser) if flag.startswith("--")]
    wrong = (word.partition("=")[0] for word in unknown if word.startswith("--"))
    near = difflib.get_close_matches(next(wrong, ""), flags, 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return f"Unrecognized arguments: {' '.join(unknown)}.{meant} See {parser.prog} --help"


def flags_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Every flag of a verb, its sub-verbs' too."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from flags_of(inner)


def spelled(word: str, known: Sequence[str]) -> str:
    """--dry_run is --dry-run and --no-spot is --no_spot: whichever the parser has."""
    name, equals, value = word.partition("=")
    if not name.startswith("--") or name in known or name == "--":
        return word
    same = [flag for flag in known if flag.replace("_", "-") == name.replace("_", "-")]
    return f"{same[0]}{equals}{value}" if same else word


def whole_parser() -> argparse.ArgumentParser:
    """Every verb in one parser, for shell completion and the reference."""
    parser = Parser(prog="byoa", description="Bring your own algorithm to Amazon SageMaker.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, text in HELP.items():
        module = module_of(verb)
        words = {**parser_words(verb, module), "prog": f"byoa {verb}", "help": text}
        module.add_arguments(verbs.add_parser(verb, **words))
    return parser


def nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), 1)
    return f"Did you mean {near[0]!r}?" if near else "See byoa --help."


def overview() -> str:
    """What `byoa --help` prints."""
    lines = ["usage: byoa VERB [--on sagemaker|sandbox|docker|process] …", ""]
    lines += ["Bring your own algorithm to Amazon SageMaker, or run it here.", ""]
    for group, verbs in VERBS.items():
        lines += [f"{group}:", *(f"  {verb:<11} {text}" for verb, text in verbs.items()), ""]
    lines += [
        "examples:",
        '  byoa shell -p demo -t cpu --cmd_line "nproc && free -g"',
        "  byoa run -p demo -t first -e train.py --epochs 3 -- --verbose",
        "  byoa train -p demo -t faces --data training=./pictures -h epochs=10 -o ./out",
        "",
        "byoa VERB --help says more. --on process needs neither AWS nor docker.",
    ]
    return "\n".join(lines)
