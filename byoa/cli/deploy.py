"""`byoa deploy`: a model as an endpoint, new or updated without a failed request."""

from __future__ import annotations

import argparse

from byoa.cli.common import settings_of
from byoa.cli.next_steps import say_deployed
from byoa.cli.serving import ENDPOINT, MODEL, add_serving, print_requests, wanted
from byoa.cli.show import emit

HELP = "a trained model as an endpoint: on instances, serverless or asynchronous"
EXAMPLES = """\
  byoa deploy -p demo -t faces                       the model of a task, on one ml.m5.large
  byoa deploy -p demo -t faces --serverless 4096:5   4 GB, five requests at once, no idle cost
  byoa deploy -p demo -t faces --async               answers of up to an hour, in S3
  byoa deploy -p demo --model ./model --image IMAGE --endpoint faces --it ml.g5.xlarge \\
      --autoscale 1:4:600 --capture --rollback-errors 5 --canary 10
  byoa deploy -p demo --model ./models --multi-model --endpoint many   a folder of models
  byoa deploy -p demo -t better --endpoint faces --variant challenger --weight 0.1
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_serving(parser, MODEL, ENDPOINT)


def run(arguments: argparse.Namespace) -> int:
    from byoa.deploy import deploy, plan
    from byoa.place import open_place

    settings = settings_of(arguments)
    place = open_place(settings)
    given, how = wanted(arguments, MODEL, ENDPOINT)
    if settings.task and not {"task", "job", "model"} & given.keys():
        given["task"] = settings.task
    steps = plan(place, settings, dry=arguments.dry_run, **given)
    if arguments.dry_run:
        return print_requests(steps)
    found = deploy(place, steps, **how)
    names = ("EndpointName", "EndpointStatus", "EndpointConfigName", "EndpointArn")
    emit(found if arguments.json else {name: found.get(name) for name in names}, arguments)
    if found.get("EndpointStatus") == "InService":
        say_deployed(arguments, place, found["EndpointName"])
    return 0
