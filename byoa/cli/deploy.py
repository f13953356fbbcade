"""`byoa deploy`: a model as an endpoint, new or updated without a failed request."""

from __future__ import annotations

import argparse

from byoa.cli.common import add_common, settings_of
from byoa.cli.show import emit

HELP = "a trained model as an endpoint: on instances, serverless or asynchronous"
EXAMPLES = """\
  byoa deploy -p demo -t faces                       the model of a task, on one ml.m5.large
  byoa deploy -p demo -t faces --serverless 4096:5   4 GB, five requests at once, no idle cost
  byoa deploy -p demo -t faces --async               answers of up to an hour, in S3
  byoa deploy -p demo --model ./model --image IMAGE --endpoint faces --it ml.g5.xlarge \\
      --autoscale 1:4:600 --capture --rollback-errors 5 --canary 10
  byoa deploy -p demo -t better --endpoint faces --variant challenger:0.1    a tenth of the load
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from byoa.cli.serving import add_endpoint, add_model

    add_common(parser, dry_run=True)
    add_model(parser)
    add_endpoint(parser)


def run(arguments: argparse.Namespace) -> int:
    from byoa.cli.serving import deployment, model_of
    from byoa.deploy import deploy, prepare
    from byoa.place import open_place

    settings = settings_of(arguments)
    place = open_place(settings)
    facts, model = model_of(arguments, settings, place)
    steps = prepare(deployment(arguments, settings, place, model), place, facts, arguments.dry_run)
    if arguments.dry_run:
        arguments.json = True
        emit([{f"{service}.{method}": request} for service, method, request in steps], arguments)
        return 0
    found = deploy(steps, place, keep=arguments.keep, wait=not arguments.no_wait)
    names = ("EndpointName", "EndpointStatus", "EndpointConfigName", "EndpointArn")
    emit(found if arguments.json else {name: found.get(name) for name in names}, arguments)
    return 0
