"""The flags of deploy and transform; each is called as the field of plan's that it fills."""

from __future__ import annotations

import argparse
import json
from typing import Any

from byoa.cli.common import add_common
from byoa.cli.task_flags import Flags, flag, json_of, pairs

MODEL: Flags = {
    "Model": (
        flag("--task_name", "--task", "-t", dest="task", help="the model of a task's last job"),
        flag("--job", help="the model of a training job"),
        flag("--model", help="a folder, a model.tar.gz, or its address"),
        flag("--image", help="what serves it (the image that trained it)"),
        flag("--role", help="the role that it runs as (the project's)"),
        pairs("--env"),
        pairs("--tag", dest="tags"),
        flag("--isolation", action="store_true", help="no network for the container"),
        flag("--subnets", nargs="+", help="of your VPC"),
        flag("--security_groups", nargs="+", help="of your VPC"),
        flag("--kms_key", help="encrypts disks and outputs"),
        flag("--request", type=json_of, metavar="JSON", help="more of AWS's requests, or @FILE:"
             ' {"model": {…}, "endpoint_config": {…}, "endpoint": {…}, "transform": {…}}'),
        flag("--keep", action="store_true", help="delete nothing that failed or was replaced"),
        flag("--no-wait", dest="wait", action="store_false", help="do not wait for the end"),
        flag("--instance_type", "--it", help="the machine (ml.m5.large)"),
        flag("--instance_count", "--ic", type=int, help="how many (1)"),
    ),
}  # fmt: skip
ENDPOINT: Flags = {
    "Endpoint": (
        flag("--endpoint", metavar="NAME", help="its name (PROJECT-TASK)"),
        flag("--multi-model", action="store_true",
             help="--model is a folder of models: a folder or NAME.tar.gz each"),
        flag("--serverless", metavar="MB[:CONCURRENCY]", help="no machine of your own"),
        flag("--async", dest="async_output", nargs="?", const="", metavar="ADDRESS",
             help="answers of up to an hour, put there (the project's folder)"),
        flag("--async-failures", metavar="ADDRESS", help="where failures are put"),
        flag("--capture", nargs="?", const="", metavar="ADDRESS", help="keep requests, answers"),
        flag("--capture-percent", type=int, metavar="N", help="of so many of them (100)"),
        flag("--autoscale", metavar="MIN:MAX[:PER_MINUTE]", help="machines as the load needs"),
        flag("--variant", metavar="NAME", help="beside the endpoint's other variants"),
        flag("--weight", type=float, help="the variant's share of the load (1.0)"),
        flag("--alarms", nargs="+", help="CloudWatch alarms that send an update back"),
        flag("--rollback-errors", type=int, metavar="N", help="so many 5xx a minute do, too"),
        flag("--canary", dest="canary_percent", type=int, metavar="PERCENT",
             help="the load that an update gets first"),
        flag("--ami", help="InferenceAmiVersion (what the image's CUDA needs)"),
        flag("--startup-timeout", type=int, metavar="SECONDS", help="(by the image's size)"),
    ),
}  # fmt: skip
TRANSFORM: Flags = {
    "Job": (
        flag("--output_address", dest="output", metavar="ADDRESS", help="(the job's folder)"),
        flag("--manifest", dest="data_type", action="store_const", const="ManifestFile",
             help="--data is a manifest"),
        flag("--content-type", help="of the files: image/jpeg, text/csv …"),
        flag("--accept", help="what the predictions are to be"),
        flag("--split", choices=("None", "Line", "RecordIO", "TFRecord"), help="into records"),
        flag("--assemble", choices=("None", "Line"), help="records' answers into one file"),
        flag("--strategy", choices=("SingleRecord", "MultiRecord"), help="records in a request"),
        flag("--compression", choices=("None", "Gzip"), help="of the files"),
        flag("--payload_mb", type=int, metavar="MB", help="of the largest request"),
        flag("--concurrent", type=int, metavar="N", help="requests at once in a machine"),
        flag("--timeout", type=int, metavar="SECONDS", help="of a request (600)"),
        flag("--retries", type=int, metavar="N", help="of a request (3)"),
    ),
}  # fmt: skip
#: What is not a field of a request.
REST = ("keep", "wait")


def add_serving(parser: argparse.ArgumentParser, *tables: Flags) -> None:
    """The tables' flags; one that is not given leaves no trace."""
    for title, flags in (item for table in tables for item in table.items()):
        group = parser.add_argument_group(title)
        for names, options in flags:
            given = {} if options.get("action") == "append" else {"default": argparse.SUPPRESS}
            group.add_argument(*names, **{**options, **given})
    add_common(parser, dry_run=True)


def wanted(arguments: argparse.Namespace, *tables: Flags) -> tuple[dict[str, Any], dict[str, Any]]:
    """The flags as keywords of `plan`, and those of what sends it."""
    names = {
        options.get("dest") or words[0].lstrip("-").replace("-", "_")
        for table in tables
        for flags in table.values()
        for words, options in flags
    } - {"role"}  # byoa.toml's, too
    given = {name: value for name, value in vars(arguments).items() if name in names}
    given["environment"], given["tags"] = dict(given.pop("env")), dict(given["tags"])
    if "serverless" in given:
        memory, _, concurrency = given.pop("serverless").partition(":")
        given["memory_mb"] = int(memory) if memory.isdigit() else memory
        given |= {"concurrency": int(concurrency)} if concurrency.isdigit() else {}
    return given, {name: given.pop(name) for name in REST if name in given}


def print_requests(steps: Any) -> int:
    """What --dry-run prints."""
    print(json.dumps([{f"{step[0]}.{step[1]}": step[2]} for step in steps], indent=2))
    return 0
