"""Steps of CodeBuild and Batch, with plan's own requests.

    build = CodeBuildStep("Build", project="byoa-cells_image", source="s3://bucket/src.zip")
    BatchSubmitJobStep("Evaluate", job_name=…, job_queue="q", job_definition="d")

https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.plan import codebuild
from byoa.plan.batch import submit_job_request
from byoa.plan.templates import merged
from byoa.plan.workflow.expressions import at_run_time
from byoa.plan.workflow.names import execution_name
from byoa.plan.workflow.services import JobStep


class CodeBuildStep(JobStep):
    """One build; its output has Build.BuildStatus, Build.Id and the logs' address.

    `source` is s3://bucket/key.zip, and the project's own without one; a value of the run is
    bucket/key, as CodeBuild takes it. `parameters` lie over the request.
    """

    ACTION = "codebuild:startBuild"

    def __init__(
        self,
        state_id: str,
        project: str,
        source: str | None = None,
        environment: Any = None,
        *,
        wait_for_completion: bool = True,
        parameters: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        request: dict[str, Any] = {"ProjectName": project}
        named = environment if isinstance(environment, Mapping) else {}
        if source is not None and not at_run_time(source):
            request = capitals(codebuild.start_build_request(project, source, named))
        elif source is not None:
            request |= {"SourceTypeOverride": "S3", "SourceLocationOverride": source}
        if named and "EnvironmentVariablesOverride" not in request:
            request["EnvironmentVariablesOverride"] = [
                {"Name": name, "Value": named[name], "Type": "PLAINTEXT"} for name in sorted(named)
            ]
        elif environment is not None and not isinstance(environment, Mapping):
            request["EnvironmentVariablesOverride"] = environment  # CodeBuild's list of them
        super().__init__(
            state_id, wait_for_completion, parameters=merged(request, parameters or {}), **fields
        )


class BatchSubmitJobStep(JobStep):
    """One job of AWS Batch; the SDK's parameters={…}, or its queue and definition by name."""

    ACTION = "batch:submitJob"

    def __init__(
        self,
        state_id: str,
        wait_for_completion: bool = True,
        *,
        job_queue: str = "",
        job_definition: str = "",
        job_name: str = "",
        parameters: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        request: dict[str, Any] = {}
        if job_queue or job_definition:
            name = job_name or execution_name("job")
            request = capitals(submit_job_request(name, job_queue, job_definition))
        super().__init__(
            state_id, wait_for_completion, parameters=merged(request, parameters or {}), **fields
        )


def capitals(value: Any) -> Any:
    """A request with the names of its fields as Step Functions writes them: projectName there."""
    if isinstance(value, Mapping):
        return {key[:1].upper() + key[1:]: capitals(item) for key, item in value.items()}
    return [capitals(item) for item in value] if isinstance(value, list) else value
