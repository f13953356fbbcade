"""An image out of a folder or a Dockerfile: built here, pushed, checked; the same thing once."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from byoa import docker_bars, files
from byoa.local.docker import DockerError, docker, inspect
from byoa.plan.codebuild import bases
from byoa.plan.ecr import parse_image
from byoa.plan.errors import ByoaError, NotFoundError, UsageError
from byoa.plan.ignore import secret

if TYPE_CHECKING:
    from byoa.aws.session import Session

SCRIPT = "build_and_push.sh"
#: The label that says of what an image was built.
LABEL = "byoa.context"
INSTRUCTION = re.compile(r"(?im)^\s*(FROM|RUN|COPY|ADD|ENV|ARG|USER|WORKDIR|LABEL)\s")
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Build:
    """What is built: the context, its Dockerfile when that is not the folder's, the name."""

    image: str  #: NAME:TAG
    folder: Path | None = None  #: None: nothing to COPY
    dockerfile: str = ""  #: its text; "" = Dockerfile, or build_and_push.sh, of the folder
    variables: Mapping[str, str] = field(default_factory=dict)  #: the script's, or build arguments
    loud: bool = False  #: docker's own lines instead of a bar

    @property
    def by_script(self) -> bool:
        return not self.dockerfile and Path(self.folder or "/dev/null", SCRIPT).is_file()

    @property
    def text(self) -> str:
        """The Dockerfile."""
        path = Path(self.folder or "/dev/null", "Dockerfile")
        if not self.dockerfile and not path.is_file():
            raise UsageError(f"There is no Dockerfile in {self.folder}. Name one with --df.")
        return self.dockerfile or path.read_text(encoding="utf-8")

    @property
    def bases(self) -> list[str]:
        """The images that the Dockerfile stands on, as far as they are written out."""
        return bases(self.text)

    @property
    def mark(self) -> str:
        """One hash of all that goes in: Dockerfile, variables, names, modes, contents."""
        digest = hashlib.sha256(repr((self.text, sorted(self.variables.items()))).encode())
        for name, path in sorted(context(self.folder)) if self.folder else ():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(ascii((name, os.access(path, os.X_OK), content)).encode())
        return digest.hexdigest()


def dockerfile(said: str, base: str) -> tuple[Path | None, str]:
    """Context and text of --df: a folder, a file, or the text itself; `base` fills its blank."""
    path = Path(said) if said.strip() and "\n" not in said and len(said) < 1024 else None
    if path and path.is_dir():
        path = path / "Dockerfile"
    elif not path or not path.is_file():
        if not INSTRUCTION.search(said):
            raise UsageError(f"{said!r} is no Dockerfile, no folder and no text of one.")
        path = None
    if path and not path.is_file():
        raise UsageError(
            f"There is no {path}. Name a folder with a Dockerfile, a file, or its text."
        )
    text = path.read_text(encoding="utf-8") if path else said
    if not re.search(r"(?im)^\s*FROM\s", text):
        text = f"FROM __BASE_IMAGE__\n{text}"
    if "__BASE_IMAGE__" in text and not base:
        raise UsageError("The Dockerfile wants a base image. Name it: --base-image IMAGE.")
    return (path.parent if path else None), text.replace("__BASE_IMAGE__", base)


def context(folder: Path, say: Say = lambda text: None) -> Iterator[tuple[str, Path]]:
    """The files that docker would send, by .dockerignore, without what looks like a secret."""
    import pathspec

    path = folder / ".dockerignore"
    said = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    rules = [line.strip() for line in said if line.strip() and not line.strip().startswith("#")]
    # docker's patterns begin at the folder, git's anywhere
    rules = [re.sub(r"^(!?)(\./|/)?", r"\1/", rule) for rule in rules]
    spec = pathspec.GitIgnoreSpec.from_lines(rules)
    wanted = [rule[2:] + "/" for rule in rules if rule.startswith("!")]

    def left_out(name: str) -> bool:
        inside = name.endswith("/") and any(keep.startswith(name) for keep in wanted)
        if name == ".git/" or (spec.match_file(name) and not inside):
            return True
        if what := secret(name.rstrip("/").rpartition("/")[2]):
            say(f"{name} looks like {what}, and docker is sent it: name it in .dockerignore")
        return what is not None

    for name, file in files.look(folder, left_out).files.items():
        yield name, Path(file.path)


def make(build: Build, say: Say, force: bool = False) -> bool:
    """Builds it with docker; False when the image was made of the very same things before."""
    mark = build.mark
    if not force and labels(build.image).get(LABEL) == mark:
        say(f"{build.image} is up to date")
        return False
    say(f"building {build.image}")
    list(context(build.folder, say) if build.folder else ())
    if build.by_script:
        command, text = [f"./{SCRIPT}", "--no-push", "--image", build.image], None
        said = {**build.variables, "CONTEXT": mark}
    else:
        command, text = docker_command(build, mark), build.text
        said = {"DOCKER_BUILDKIT": "0"}  # for a docker without buildx
    code = docker_bars.build(
        command, build.folder, {**os.environ, **said}, text, what=build.image, loud=build.loud
    )
    if code:
        raise ByoaError(
            f"The build of {build.image} failed (exit code {code}). See the lines above."
        )
    return True


def docker_command(build: Build, mark: str) -> list[str]:
    """SageMaker takes one platform and no attestation, which BuildKit adds unless told not to."""
    try:
        docker("buildx", "version")
        words = ["docker", "buildx", "build", "--load", "--provenance=false", "--sbom=false"]
    except DockerError:
        words = ["docker", "build", "--force-rm"]
    words += ["--platform", "linux/amd64", "--tag", build.image, "--label", f"{LABEL}={mark}"]
    for name, value in sorted(build.variables.items()):
        words += ["--build-arg", f"{name}={value}"]
    return [*words, "--file", "-", "."] if build.folder else [*words, "-"]


def labels(image: str) -> Mapping[str, str]:
    """The labels of an image that is here; none when it is not."""
    try:
        return dict(inspect(image)["Config"].get("Labels") or {})
    except DockerError as error:
        if "No such image" in str(error):
            return {}
        said = f"docker cannot look at {image}: {error}. Mend that, or say --on codebuild."
        raise ByoaError(said) from None


def build_and_push(
    session: Session, build: Build, tags: Mapping[str, str], say: Say, force: bool = False
) -> str:
    """The image in ECR as REPOSITORY@DIGEST; neither built nor sent when it is there already."""
    from byoa.aws.registry import ensure_repository, pushed

    where = parse_image(build.image)
    uri = f"{ensure_repository(session, where.repository, tags)}:{where.tag or 'latest'}"
    if force or remote_mark(session, uri) != build.mark:
        own = build.variables.get("BASE_IMAGE", "")
        for base in filter(None, [own]) if build.by_script else build.bases:
            if parse_image(base).account and not labels(base):
                logged_in(session, "pull", base)
        make(build, say, force)
        say(f"pushing {uri}")
        docker("tag", build.image, uri)
        logged_in(session, "push", uri)
    return pushed(session, uri)


def remote_mark(session: Session, uri: str) -> str:
    """Of what the image in ECR was built; "" when there is none."""
    from byoa.aws.image_facts import image_facts

    try:
        return image_facts(session, uri).labels.get(LABEL, "")
    except NotFoundError:
        return ""


def logged_in(session: Session, verb: str, uri: str) -> None:
    """docker pull or push, logged in to ECR in a folder that is gone afterwards: no password stays.

    Without the user's own folder docker must be told where its daemon is.
    """
    from byoa.aws.registry import login

    where = parse_image(uri)
    user, password = login(session, where.account)
    with tempfile.TemporaryDirectory(prefix="byoa-docker-") as folder:
        host = docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
        environ = {"DOCKER_HOST": host, **os.environ, "DOCKER_CONFIG": folder}
        words = ["docker", "login", "--username", user, "--password-stdin", where.registry]
        done = subprocess.run(
            words, env=environ, input=password, text=True, check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        code, text = done.returncode, done.stderr
        if not code:
            code, text = docker_bars.transfer(verb, uri, environ)
    if code:
        verb = "login" if done.returncode else verb
        raise ByoaError(f"docker {verb} of {uri} failed: {text.strip()[-600:]}")
