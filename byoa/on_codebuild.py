"""An image built by CodeBuild: for machines without docker, or far from AWS."""

from __future__ import annotations

import os
from collections.abc import Mapping

from byoa.aws.bucket import ensure_bucket
from byoa.aws.codebuild import build as run_build
from byoa.aws.codebuild import ensure_project
from byoa.aws.registry import ensure_repository, pushed
from byoa.aws.role import ensure_role
from byoa.build import SCRIPT, Build, Say, context, remote_mark
from byoa.place import Place
from byoa.plan.codebuild import BUILDSPEC, BuildProject, build_environment
from byoa.plan.ecr import parse_image
from byoa.plan.iam import CODEBUILD, Access, build_policy
from byoa.plan.layout import ProjectPlace, bucket_and_key
from byoa.plan.names import BUILD, fitted, role_name
from byoa.plan.zips import zipped

#: What docker does not send, but the build needs.
BESIDE = (SCRIPT, "buildspec.yml", "Dockerfile", ".dockerignore")


def build_there(
    place: Place, project: str, build: Build, tags: Mapping[str, str], say: Say, force: bool = False
) -> str:
    """The image in ECR as REPOSITORY@DIGEST."""
    session = place.session
    where = parse_image(build.image)
    repository = ensure_repository(session, where.repository, tags)
    uri = f"{repository}:{where.tag or 'latest'}"
    if force or remote_mark(session, uri) != build.mark:
        sources = f"{ProjectPlace(place.storage.base, project).uri}build/"
        ensure_bucket(session, bucket_and_key(sources)[0], tags)
        source = f"{sources}{build.mark}.zip"
        place.storage.write(source, archive(build))
        access = Access(
            account=session.account, region=session.region, partition=session.partition,
            read=[sources], push=[uri],
        )  # fmt: skip
        name = fitted(f"byoa-{project}")
        policy = build_policy(access, name)
        role = ensure_role(session, role_name(project, BUILD), policy, tags, CODEBUILD)
        ensure_project(session, BuildProject(name=name, role=role, source=source, tags=tags))
        said = variables(build, repository, where.tag or "latest", session.region)
        run_build(session, name, source, said, say)
    return pushed(session, uri)


def variables(build: Build, repository: str, tag: str, region: str) -> dict[str, str]:
    """What the buildspec reads: build_and_push.sh's settings, or those of our own."""
    if build.by_script:
        return {**build.variables, "IMAGE": build.image, "CONTEXT": build.mark}
    return build_environment(
        f"{repository}:{tag}", build.mark, region, build.bases, build.variables
    )


def archive(build: Build) -> bytes:
    """The source as a zip whose bytes depend on names, modes and contents alone."""
    found: dict[str, tuple[bytes, bool]] = {}
    if build.folder:
        files = dict(context(build.folder))
        files |= {name: build.folder / name for name in BESIDE if (build.folder / name).is_file()}
        found = {
            name: (path.read_bytes(), os.access(path, os.X_OK)) for name, path in files.items()
        }
    if not build.by_script:
        found |= {"Dockerfile": (build.text.encode(), False)}
        found |= {"buildspec.yml": (BUILDSPEC.encode(), False)}
    return zipped(found)
