"""Builds an image with CodeBuild and pushes it to ECR; of the same content it is built once.

    {"Context": "s3://…/context.zip"}  or  {"Context": "codecommit://REPOSITORY@COMMIT"}
    or  {"Files": {"Dockerfile": "FROM …", "train.py": "…"}}

`Start` false only says what codebuild:startBuild is to be given, so that a state machine waits and
nobody pays for waiting; `Wait` true waits here. See docs/infrastructure.md.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.advice import noted
from byoa.plan.asked import BuildImage, answered, object_address, of_object, read
from byoa.plan.asked_build import (
    MOST_BYTES,
    ImagePlan,
    build_status,
    check,
    image_plan,
    inline,
    running,
    unzipped,
)
from byoa.plan.codebuild import BuildProject, build_project_request
from byoa.plan.ecr import repository_request
from byoa.plan.errors import NotFoundError, UsageError, error_code
from byoa.plan.zips import Files, zipped

from .codecommit import pushed_files

#: Seconds that are kept for the answer.
MARGIN = 15.0


def handle(event: Any, context: Any) -> dict[str, Any]:
    """What Lambda calls."""
    import boto3

    names = ("project", "bucket", "repository", "build_project", "build_role")
    here = {name: os.environ[name.upper()] for name in names} | {"region": os.environ["AWS_REGION"]}
    builder = Builder(
        here,
        s3=noted(boto3.client("s3")),
        ecr=noted(boto3.client("ecr")),
        codebuild=noted(boto3.client("codebuild")),
        codecommit=noted(boto3.client("codecommit")),
        left=lambda: float(context.get_remaining_time_in_millis()) / 1000,
    )
    return answered(lambda: builder.build(read(BuildImage, of_object(event, "Context"))))


@dataclass
class Builder:
    """One project's bucket, repository and CodeBuild project, and the time that is left."""

    here: Mapping[str, str]
    s3: Any
    ecr: Any
    codebuild: Any
    codecommit: Any
    left: Callable[[], float]
    sleep: Callable[[float], None] = time.sleep
    tags: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.tags = {"byoa:project": self.here["project"]}

    def build(self, asked: BuildImage) -> dict[str, Any]:
        check(asked, self.here)
        files = self.files(asked)
        registry = self.registry(asked.repository or self.here["repository"])
        plan = image_plan(asked, files, registry, self.here)
        if self.pushed(plan) and not asked.force:
            self.move_tag(plan, asked.tag)
            return plan.answer("UpToDate")
        self.upload(plan)
        self.ensure_project(plan)
        if not asked.start:
            return plan.answer("ToBuild")
        build = self.under_way(plan) or self.codebuild.start_build(**plan.start_request)["build"]
        print(f"build {build['id']} of {plan.source}")
        while asked.wait and build_status(build) == "Building" and self.left() > MARGIN:
            self.sleep(min(2.0, max(0.1, self.left() - MARGIN)))
            build = self.codebuild.batch_get_builds(ids=[build["id"]])["builds"][0]
        status = build_status(build)
        if status == "Built":
            self.move_tag(plan, asked.tag)
        return plan.answer(status, build["id"])

    def files(self, asked: BuildImage) -> Files:
        if asked.files:
            return inline(asked.files)
        if asked.context.startswith("codecommit://"):
            return pushed_files(self.codecommit, asked.context)
        return self.zip(asked.context)

    def zip(self, address: str) -> Files:
        bucket, key = object_address(address, "Context")
        try:
            found = self.s3.get_object(Bucket=bucket, Key=key)
        except self.s3.exceptions.ClientError as error:
            if error_code(error) in ("NoSuchKey", "NoSuchBucket", "404"):
                raise NotFoundError(f"There is no {address}. Upload the context's zip.") from None
            raise
        if found["ContentLength"] > MOST_BYTES:
            raise UsageError(f"{address} is over {MOST_BYTES >> 20} MiB. Leave data out.")
        files, secrets = unzipped(found["Body"].read(), address)
        for name in secrets:
            print(f"left out, as it looks like a secret: {name}")
        return files

    def registry(self, repository: str) -> str:
        """The repository's host; the repository is made where there is none."""
        known = self.ecr.exceptions
        try:
            found = self.ecr.describe_repositories(repositoryNames=[repository])["repositories"][0]
        except known.RepositoryNotFoundException:
            try:
                request = repository_request(repository, self.tags)
                found = self.ecr.create_repository(**request)["repository"]
            except known.RepositoryAlreadyExistsException:  # a second call was faster
                return self.registry(repository)
        return str(found["repositoryUri"]).partition("/")[0]

    def pushed(self, plan: ImagePlan) -> bool:
        try:
            self.ecr.describe_images(
                repositoryName=plan.repository, imageIds=[{"imageTag": plan.tag}]
            )
        except self.ecr.exceptions.ImageNotFoundException:
            return False
        return True

    def move_tag(self, plan: ImagePlan, tag: str) -> None:
        """The tag that was asked for on the image; on no image twice."""
        if not tag:
            return
        wanted = [{"imageTag": plan.tag}]
        image = self.ecr.batch_get_image(repositoryName=plan.repository, imageIds=wanted)["images"][
            0
        ]
        words = {"imageManifest": image["imageManifest"], "imageTag": tag}
        if "imageManifestMediaType" in image:
            words["imageManifestMediaType"] = image["imageManifestMediaType"]
        try:
            self.ecr.put_image(repositoryName=plan.repository, **words)
        except self.ecr.exceptions.ImageAlreadyExistsException:
            pass

    def upload(self, plan: ImagePlan) -> None:
        bucket, key = object_address(plan.source, "The source")
        try:
            self.s3.head_object(Bucket=bucket, Key=key)
        except self.s3.exceptions.ClientError as error:
            if error_code(error) not in ("404", "NoSuchKey"):
                raise
            self.s3.put_object(Bucket=bucket, Key=key, Body=zipped(plan.files))

    def ensure_project(self, plan: ImagePlan) -> None:
        if self.codebuild.batch_get_projects(names=[plan.project])["projects"]:
            return
        project = BuildProject(
            name=plan.project, role=self.here["build_role"], source=plan.source, tags=self.tags
        )
        try:
            self.codebuild.create_project(**build_project_request(project))
        except self.codebuild.exceptions.ResourceAlreadyExistsException:
            pass

    def under_way(self, plan: ImagePlan) -> dict[str, Any] | None:
        """The build of the same content that somebody started a moment ago."""
        last = self.codebuild.list_builds_for_project(projectName=plan.project)["ids"][:20]
        builds = self.codebuild.batch_get_builds(ids=last)["builds"] if last else []
        return running(builds, plan.mark)
