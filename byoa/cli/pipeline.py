"""`byoa pipeline`: tasks of pipeline.yaml, here and on AWS."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any

from byoa.plan.errors import UsageError

HELP = "Experiments as a graph of tasks: plan, build, look at them, submit them to AWS."
EXAMPLES = """\
  byoa pipeline plan                     what would run, and why
  byoa pipeline build -j 4               run it; what is up to date is left alone
  byoa pipeline build --until 'fit-*'    these, and what they need
  byoa pipeline report                   a page: graph, times, the grid's points compared
  byoa pipeline init aws                 soopervisor.yaml and a Dockerfile; then:
  byoa pipeline submit --on batch --wait
  byoa init NAME --template pipeline     a project to begin with"""

#: Each sub-verb, its module in byoa/cli with functions add_<do>(parser) and <do>(arguments), its
#: help. `-` in a sub-verb is `_` in the functions' names.
DO: dict[str, tuple[str, str]] = {
    "scaffold": ("pipeline_scaffold", "begin the sources that pipeline.yaml names and that lack"),
    "plan": ("pipeline_plan", "what would run, and why"),
    "mark-done": ("pipeline_plan", "take what is there for what these tasks would make now"),
    "status": ("pipeline_status", "every task: up to date or why not, when it ran, what it makes"),
    "plot": ("pipeline_status", "the graph as SVG, HTML, Mermaid or DOT"),
    "report": ("pipeline_report", "a page: what failed, graph, times, grids compared, every task"),
    "build": ("pipeline_build", "run what has to run, and only that"),
    "task": ("pipeline_build", "one task: build it alone, print its source or why it would run"),
    "logs": ("pipeline_logs", "what a task printed"),
    "nb": ("pipeline_nb", "notebooks' sources: parameters injected or removed, other formats"),
    "interact": ("pipeline_interact", "a Python session with the pipeline in it"),
    "submit": ("pipeline_submit", "send what is outdated to AWS: Batch, SageMaker, Step Functions"),
    "init": ("pipeline_aws", "make the project ready for AWS: soopervisor.yaml and a Dockerfile"),
    "cancel": ("pipeline_aws", "end a run on AWS"),
    "resume": ("pipeline_aws", "go on with a run on AWS, from any machine"),
    "download": ("pipeline_aws", "bring here what was made on AWS"),
    "cost": ("pipeline_aws", "what a run on AWS used of machines"),
    "clean": ("pipeline_clean", "remove old runs, leftovers and, when asked, products"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="do", metavar="DO", required=True)
    for name, (module, text) in DO.items():
        words: dict[str, Any] = {"help": text, "description": text, "allow_abbrev": False}
        sub = verbs.add_parser(name, **words)
        getattr(import_module(f"byoa.cli.{module}"), f"add_{name.replace('-', '_')}")(sub)


def beforehand(words: list[str]) -> tuple[list[str], dict[str, Any]]:
    """The words without `--env--KEY VALUE`, which names a value of env.yaml; and these."""
    kept: list[str] = []
    env: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not name.startswith("--env--"):
            kept.append(word)
            continue
        if not equals and (value := next(rest, "")) == "":
            raise UsageError(f"{name} needs a value: {name} VALUE")
        env[name.removeprefix("--env--")] = value
    return kept, {"env": env}


def run(arguments: argparse.Namespace) -> int:
    """The sub-verb's own function; its module imports what is heavy when it is called."""
    module, _ = DO[arguments.do]
    function = getattr(import_module(f"byoa.cli.{module}"), arguments.do.replace("-", "_"))
    return int(function(arguments))
