"""What this machine, AWS and an image lack, and the fix for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from byoa.aws import doctor as aws
from byoa.aws.doctor import FAIL, OK, WARN, Finding
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
    yield from machine(settings.on == "docker")
    session = None
    if (settings.on or default_place(settings)) not in LOCAL:
        session = session_of(settings)
        findings = aws.credentials(session)
        yield from findings
        if findings[0].state == OK:  # else nothing can be asked
            yield from account(session, settings, image, instance_type)
        else:
            session = None
    elif not settings.on:
        fix = "Run `aws configure`, or name a profile with --profile or AWS_PROFILE."
        text = "No AWS credentials were found: jobs run on this machine."
        yield Finding("credentials", WARN, text, fix)
    if image:
        yield from image_findings(session, image, instance_type)


def session_of(settings: Settings) -> Session:
    from byoa.aws.session import Session

    if settings.on == "sandbox":
        enter_sandbox()
    return Session(settings.region, settings.profile if settings.on != "sandbox" else "")


def machine(needed: bool) -> Iterator[Finding]:
    """Docker, and whether its daemon answers."""
    state = FAIL if needed else WARN
    try:
        yield Finding("docker", OK, docker("version", "--format", "{{.Server.Version}}"))
    except DockerError as error:
        text, fix = f"The daemon does not answer: {error}", "Start it, or join the group `docker`."
        if "on PATH" in str(error):
            text = "docker is not on PATH."
            fix = "Install docker, or do without: --on process, `byoa build --on codebuild`."
        yield Finding("docker", state, text, fix)


def account(
    session: Session, settings: Settings, image: str, instance_type: str
) -> Iterator[Finding]:
    """What the project needs in the account."""
    yield from aws.sagemaker(session)
    name = settings.bucket or default_bucket(session.account, session.region)
    yield from aws.bucket(session, name)
    if settings.project:
        role = settings.role or role_name(settings.project)
        where = "/".join(part for part in (name, settings.prefix.strip("/")) if part)
        access = Access(
            account=session.account, region=session.region, partition=session.partition,
            write=[f"s3://{where}/{settings.project}/"], images=[image] if image else [],
        )  # fmt: skip
        yield from aws.role(session, role, role_policy(access))
    if instance_type and settings.on != "sandbox":
        yield from aws.quotas(session, instance_type)


def image_findings(session: Any, image: str, instance_type: str) -> Iterator[Finding]:
    """Of an image that is here what it says itself; of one in ECR what ECR says."""
    facts = here(image)
    if session is not None and "/" in image:
        yield from aws.image(session, image, instance_type)
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
    """A look at train and serve, then the image's own `doctor`, if it has one."""
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
        yield Finding("image programs", WARN if missing == [problem] else FAIL, problem, fix)
    if not problems:
        yield Finding("image programs", OK, "train and serve are on PATH and executable")
    try:
        said = docker(*run, "doctor", image).splitlines()
        yield Finding("image doctor", OK, said[-1] if said else "says nothing")
    except DockerError as error:
        if "not found" not in str(error):  # it found something, on stdout
            fix = f"docker run --rm --network none {image} doctor"
            yield Finding("image doctor", FAIL, "The image's own doctor finds something.", fix)
