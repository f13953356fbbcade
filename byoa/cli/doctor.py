"""`byoa doctor`: what is missing, and the fix."""

from __future__ import annotations

import argparse
import json

from byoa.cli.common import add_common, settings_of
from byoa.cli.show import emit
from byoa.settings import Settings

HELP = "what is missing here, in AWS, in the image, and the fix"
EXAMPLES = """\
byoa doctor                                    this machine, the account, the project's role
byoa doctor --image mask-r-cnn --it ml.g5.xlarge
byoa doctor --policy -p cells                  what your own user must be allowed, as a policy
byoa doctor --policy workflows -p cells        and what `byoa workflow` needs on top of that
byoa doctor --policy pipelines -p cells        and what `byoa pipeline --on batch` needs
"""


#: Whose needs --policy prints.
POLICIES = ("jobs", "workflows", "pipelines")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument("--image", help="look into this image, too: here or in ECR")
    parser.add_argument("--instance_type", "--it", default="", help="is there a quota, a driver")
    parser.add_argument("--role", help="the role that jobs run as (the project's own)")
    parser.add_argument(
        "--policy", nargs="?", const="jobs", choices=POLICIES, metavar="FOR",
        help="print your user's policy: for jobs, and besides for workflows, pipelines; no checks",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    if arguments.policy:
        print(policy(settings, arguments.policy))
        return 0
    from byoa.doctor import checkup

    kind = arguments.instance_type or settings.instance_type
    findings = []
    for one in checkup(settings, arguments.image or settings.image, kind):
        findings.append(one)
        if not arguments.json:
            print(f"{one.state:<5} {one.name:<15} {one.text}", flush=True)
            if one.fix:
                print(f"{'':<5} {'':<15} -> {one.fix}", flush=True)
    failed = sum(one.state == "FAIL" for one in findings)
    if arguments.json:
        emit([one._asdict() for one in findings], arguments)
    else:
        print(f"{failed} to repair" if failed else "healthy")
    return 1 if failed else 0


def policy(settings: Settings, what: str = "jobs") -> str:
    """What the driving user needs for this project, to hand to an administrator."""
    from byoa.doctor import session_of
    from byoa.plan.bucket import default_bucket
    from byoa.plan.iam import batch_user_policy, user_policy, workflow_user_policy

    session = session_of(settings)
    account, region, partition = session.account, session.region, session.partition
    bucket, project = settings.bucket or default_bucket(account, region), settings.need_project()
    if what == "workflows":
        document = workflow_user_policy(account, region, partition, project, bucket)
    elif what == "pipelines":
        document = batch_user_policy(account, region, partition, project)
    else:
        document = user_policy(account, region, partition, project, bucket, settings.role)
    return json.dumps(document, indent=2)
