"""An image built by CodeBuild: for machines without docker, or far from AWS."""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Mapping

from byoa.aws.bucket import ensure_bucket
from byoa.aws.codebuild import build as run_build
from byoa.aws.codebuild import ensure_project
from byoa.aws.registry import ensure_repository, pushed
from byoa.aws.role import ensure_role
from byoa.build import SCRIPT, Build, Say, context, remote_mark
from byoa.place import Place
from byoa.plan.codebuild import BuildProject
from byoa.plan.ecr import parse_image
from byoa.plan.errors import UsageError
from byoa.plan.iam import CODEBUILD, Access, build_policy
from byoa.plan.layout import ProjectPlace, bucket_and_key
from byoa.plan.names import BUILD, fitted, role_name

#: What docker does not send, but the build needs.
BESIDE = (SCRIPT, "buildspec.yml", "Dockerfile", ".dockerignore")
#: What a folder without a build_and_push.sh of its own gets.
BUILDSPEC = """\
version: 0.2
phases:
  build:
    commands:
      - >-
        for login in $LOGINS; do aws ecr get-login-password --region "${login%%=*}" |
        docker login --username AWS --password-stdin "${login#*=}" || exit 1; done
      - >-
        docker build --platform linux/amd64 --label "byoa.context=$CONTEXT" $ARGUMENTS
        --tag "$REPOSITORY:$TAG" .
      - docker push "$REPOSITORY:$TAG"
"""


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
    bases = [parse_image(base) for base in build.bases]
    logins = {f"{base.region}={base.registry}" for base in bases if base.account}
    logins.add(f"{region}={repository.partition('/')[0]}")
    for name, value in build.variables.items():
        if not re.fullmatch(r"[\w.:/@=+,-]*", value):  # it meets a shell there
            raise UsageError(f"CodeBuild cannot be given --build-arg {name}={value!r}. Use ARG.")
    arguments = (f"--build-arg {name}={value}" for name, value in sorted(build.variables.items()))
    return {
        "LOGINS": " ".join(sorted(logins)), "CONTEXT": build.mark, "ARGUMENTS": " ".join(arguments),
        "REPOSITORY": repository, "TAG": tag, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    }  # fmt: skip


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
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as file:
        for name, (data, program) in sorted(found.items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o755 if program else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, data)
    return into.getvalue()
