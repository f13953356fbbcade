"""What this machine, AWS and an image lack, and the fix for each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from byoa.aws import doctor as aws
from byoa.aws.doctor import FAIL, OK, WARN, Finding, found
from byoa.local.docker import DockerError, docker, inspect
from byoa.place import LOCAL, default_place, enter_sandbox
from byoa.plan.bucket import default_bucket
from byoa.plan.iam import Access, role_policy
from byoa.plan.image import ImageFacts
from byoa.plan.names import role_name
from byoa.settings import Settings

if TYPE_CHECKING:
    from byoa.aws.session import Session

#: Looks for the two programs as SageMaker's host does; any image with a shell can say it.
PROBE = r"""
for name in train serve; do
    found=; IFS=:
    for folder in $PATH; do [ -f "$folder/$name" ] && { found=$folder/$name; break; }; done
    if [ -z "$found" ]; then echo "$name is not on PATH."
    elif [ ! -x "$found" ]; then echo "$found is not executable."
    elif head -n 1 "$found" | grep -q "$(printf '\r')"; then echo "$found has Windows line ends."
    fi
done
"""
FIXES = {
    "not on PATH": "COPY it to a folder of PATH; a command for one of both is enough for its half.",
    "not executable": "RUN chmod +x on it, and keep the mode in git: git update-index --chmod=+x",
    "Windows line ends": "Write `* text=auto eol=lf` into .gitattributes and check it out anew.",
}


def checkup(settings: Settings, image: str = "", instance_type: str = "") -> Iterator[Finding]:
    """All findings, in the order in which one would repair them."""
    needs_docker = settings.on == "docker"
    yield from machine(needs_docker)
    local = settings.on in LOCAL or (not settings.on and default_place(settings) in LOCAL)
    session = None
    if not local:
        if settings.on == "sandbox":
            enter_sandbox()
        from byoa.aws.session import Session

        session = Session(settings.region, settings.profile if settings.on != "sandbox" else "")
        findings = found("credentials", partial(aws.credentials, session, aws.utc))
        yield from findings
        if findings[0].state == FAIL:
            session = None  # nothing else can be asked
        else:
            yield from account(session, settings, image, instance_type)
    elif not settings.on:
        yield Finding(
            "credentials", WARN, "No AWS credentials were found: jobs run on this machine.",
            "Run `aws configure`, or name a profile with --profile or AWS_PROFILE.",
        )  # fmt: skip
    if image:
        yield from image_findings(session, image, instance_type)


def machine(needed: bool) -> Iterator[Finding]:
    """Docker, and whether its daemon answers."""
    state = FAIL if needed else WARN
    try:
        yield Finding("docker", OK, docker("version", "--format", "{{.Server.Version}}"))
    except DockerError as error:
        if "on PATH" in str(error):
            fix = "Install docker, or do without: --on process, `byoa build --on codebuild`."
            yield Finding("docker", state, "docker is not on PATH.", fix)
        else:
            fix = "Start it (`sudo systemctl start docker`, Docker Desktop), or join its group."
            yield Finding("docker", state, f"The daemon does not answer: {error}", fix)


def account(
    session: Session, settings: Settings, image: str, instance_type: str
) -> Iterator[Finding]:
    """What the project needs in the account."""
    yield from found("sagemaker", partial(aws.region, session))
    name = settings.bucket or default_bucket(session.account, session.region)
    yield from found("bucket", partial(aws.bucket, session, name))
    if settings.project:
        role = settings.role or role_name(settings.project)
        where = "/".join(part for part in (name, settings.prefix.strip("/")) if part)
        access = Access(
            account=session.account, region=session.region, partition=session.partition,
            write=[f"s3://{where}/{settings.project}/"], images=[image] if image else [],
        )  # fmt: skip
        yield from found("role", partial(aws.role, session, role, role_policy(access)))
    if instance_type and settings.on != "sandbox":
        yield from found("quota", partial(aws.quotas, session, instance_type))


def image_findings(session: Any, image: str, instance_type: str) -> Iterator[Finding]:
    """Of an image that is here what it says itself; of one in ECR what ECR says."""
    facts = here(image)
    if session is not None and "/" in image:
        yield from found("image", partial(aws.image, session, image, instance_type))
    elif facts:
        yield from aws.image_findings(facts, instance_type)
    else:
        yield Finding("image", FAIL, f"{image} is not on this machine.", "`byoa build` makes it.")
    if facts:
        yield from programs(image)


def here(image: str) -> ImageFacts | None:
    try:
        said = inspect(image)
    except DockerError:
        return None
    labels = said["Config"].get("Labels") or {}
    return ImageFacts(image, "", "", said["Architecture"], labels, said["Size"])


def programs(image: str) -> Iterator[Finding]:
    """The image's own `doctor`, or at least a look at train and serve."""
    run = ("run", "--rm", "--network", "none", "--entrypoint")
    try:
        problems = docker(*run, "sh", image, "-c", PROBE).splitlines()
    except DockerError as error:
        yield Finding("image programs", WARN, f"{image} has no shell to look with: {error}")
        return
    missing = [problem for problem in problems if "not on PATH" in problem]
    for problem in problems:
        fix = next(fix for words, fix in FIXES.items() if words in problem)
        # an image may only train, or only serve
        state = WARN if missing == [problem] else FAIL
        yield Finding("image programs", state, problem, fix)
    if len(problems) > len(missing) or len(missing) > 1:
        return
    if not problems:
        yield Finding("image programs", OK, "train and serve are on PATH and executable")
    try:
        said = docker(*run, "doctor", image)
    except DockerError as error:
        if "not found" not in str(error):  # it found something, on stdout
            yield Finding("image doctor", FAIL, "The image's own doctor finds something.",
                          f"docker run --rm --network none {image} doctor")  # fmt: skip
        return
    yield Finding("image doctor", OK, said.splitlines()[-1] if said else "says nothing")
