"""The moto that our hooks were made for: its version, and the inner parts that they touch."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version

from byoa.plan.errors import ByoaError

MOTO = "5.2.5"
#: module:attribute of all that we take from inside moto. tests/byoa/sandbox/test_pinned.py
#: fails when one of them has moved.
INNER = (
    "moto.moto_server.werkzeug_app:DomainDispatcherApplication",
    "moto.moto_server.werkzeug_app:MotoRequestHandler",
    "moto.moto_server.werkzeug_app:create_backend_app",
    "moto.awslambda.models:LambdaBackend.get_function",
    "moto.awslambda.utils:get_backend",
    "moto.backends:get_backend",
    "moto.core.exceptions:JsonRESTError",
    "moto.core.parse:QueryParser",
    "moto.core.serialize:QuerySerializer",
    "moto.core.utils:get_service_model",
    "moto.ec2.models:EC2Backend.describe_subnets",
    "moto.ec2.models:EC2Backend.get_security_group_from_id",
    "moto.ecr.models:ECRBackend.create_repository",
    "moto.events.models:EventPattern.get_pattern",
    "moto.events.models:Rule.send_to_targets",
    "moto.iam.models:IAMBackend.create_role",
    "moto.iam.models:IAMBackend.get_instance_profiles",
    "moto.logs.models:LogsBackend.create_log_group",
    "moto.logs.models:LogsBackend.create_log_stream",
    "moto.logs.models:LogsBackend.put_log_events",
    "moto.s3.models:FakeBucket.get_permission",
    "moto.s3.notifications:_send_event_bridge_message",
    "moto.s3:notifications",
    "moto.stepfunctions.models:StateMachine.publish",
    "moto.stepfunctions.models:StateMachine.update",
    "moto.stepfunctions.models:StepFunctionBackend.create_state_machine",
    "moto.stepfunctions.models:StepFunctionBackend.delete_state_machine",
    "moto.stepfunctions.models:StepFunctionBackend.describe_state_machine",
    "moto.stepfunctions.models:StepFunctionBackend.describe_state_machine_alias",
    "moto.s3.models:S3Backend.put_bucket_tagging",
    "moto.sts.models:STSBackend.assume_role",
)


def check() -> None:
    """Says what to install when moto is missing or another than the one we were made for."""
    try:
        found = version("moto")
        importlib.import_module("flask")
        importlib.import_module("yaml")
    except (PackageNotFoundError, ImportError) as error:
        raise ByoaError(
            f"The sandbox needs packages that are not installed ({error}). "
            "Install them: pip install 'byoa[sandbox]'"
        ) from None
    if found != MOTO:
        raise ByoaError(
            f"The sandbox was made for moto {MOTO}; {found} is installed, and its inner parts may "
            f"have moved. Install the right one: pip install 'moto[server]=={MOTO}'"
        )
