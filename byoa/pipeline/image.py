"""A pipeline's images: the project's files as git has them, byoa beside them, built by content."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import byoa
from byoa import files
from byoa.build import LABEL, Build, build_and_push, labels
from byoa.local.docker import DockerError, docker
from byoa.plan.ecr import parse_image, registry_host
from byoa.plan.errors import ByoaError, UsageError
from byoa.plan.names import fitted
from byoa.plan.pipeline import context
from byoa.plan.pipeline.soopervisor import PROCESS, Target
from byoa.progress import size

if TYPE_CHECKING:
    from byoa.place import Place

Say = Callable[[str], None]
#: Of byoa's own files, what no task needs.
NOT_NEEDED = ("sandbox", "templates", "cli")


@dataclass(frozen=True)
class Laid:
    """A project as it is in its image, in a folder of this machine."""

    folder: Path  #: has project/
    locks: Mapping[str, str]  #: image's pattern → text of its lock file
    dockerfile: str
    mark: str  #: the hash of the project's files

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def patterns(self) -> list[str]:
        return list(self.locks)


@dataclass(frozen=True)
class Image:
    """Where a task runs: REPOSITORY@DIGEST or process:///folder, and what that is made of."""

    uri: str
    environment: str


@contextmanager
def laid(root: Path, target: Target, say: Say, ignore_git: bool = False) -> Iterator[Laid]:
    """The project's files in a folder of their own; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="byoa-pipeline-") as folder:
        yield lay(root, Path(folder), target, say, ignore_git)


def lay(root: Path, folder: Path, target: Target, say: Say, ignore_git: bool = False) -> Laid:
    exclude = (*target.exclude, *([target.name] if (root / target.name).is_dir() else ()))
    tracked, others = listed(root, ignore_git, say, exclude)
    found = context.chosen(tracked, others, target.include, exclude)
    for sentence in found.said:
        say(sentence)
    names = without_links_to_secrets(root, found.names, say)
    digest = hashlib.sha256()
    for name, place in sorted(context.renamed(names, target.name)):
        data = (root / name).read_bytes()
        if len(data) > context.BIG:
            say(f"{name} is {size(len(data))}: every job pulls it. Is it needed? Else `exclude` it")
        copy = folder / "project" / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
        copy.chmod(0o755 if os.access(root / name, os.X_OK) else 0o644)
        digest.update(ascii((place, copy.stat().st_mode, hashlib.sha256(data).digest())).encode())
    (folder / "project").mkdir(exist_ok=True)
    locks = {} if target.by_processes else lock_texts(root, say)
    return Laid(folder, locks, dockerfile(root, target), digest.hexdigest())


def without_links_to_secrets(root: Path, names: Iterable[str], say: Say) -> list[str]:
    """Those of the names that are no links to what would not travel by its own name.

    A link out of the root was refused before (files.look).
    """
    real_root, found = os.path.realpath(root), []
    for name in names:
        real = os.path.relpath(os.path.realpath(root / name), real_root)
        if real == name or not (what := context.hidden(Path(real).as_posix())):
            found.append(name)
        else:
            say(f"{name} is a link to {real}, which looks like {what}, and stays here")
    return found


def listed(
    root: Path, ignore_git: bool, say: Say, exclude: Iterable[str] = ()
) -> tuple[list[str], list[str]]:
    """The names that git tracks below the root, and the others; without git all are tracked.

    Of a submodule, or a link to a folder, git knows the name alone: all in it is tracked, then.
    """
    exclude = list(exclude)

    def skip(name: str) -> bool:
        plain = name.rstrip("/")
        return context.idle(plain) or context.covered(plain, exclude)

    every = list(files.look(root, skip).files)
    if ignore_git:
        return every, []
    words = ["git", "-C", str(root), "ls-files", "-z"]
    try:
        done = subprocess.run(words, capture_output=True, check=False)
    except FileNotFoundError:
        done = None
    if done is None or done.returncode:
        say(f"{root} is in no git repository: all of its files travel, but for `exclude`")
        return every, []
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    folders = tuple(f"{name}/" for name in names if (root / name).is_dir())
    tracked = [name for name in names if (root / name).is_file()]
    tracked += [name for name in every if name.startswith(folders)]
    if not tracked:
        raise UsageError(
            f"git tracks nothing below {root}, so the image would be empty. `git add` the project,"
            " or say --ignore-git."
        )
    known = set(tracked)
    others = [name for name in every if name not in known]
    if code := [
        name for name in others if name.endswith((".py", ".ipynb", ".sql", ".sh", ".yaml"))
    ]:
        say(
            f"git does not track {files.some(code[:5])}, so that stays here: `git add` it if needed"
        )
    return tracked, others


def lock_texts(root: Path, say: Say) -> dict[str, str]:
    """Every image's lock file; requirements.txt stands in for the one that is missing."""
    names = [path.name for path in root.glob("requirements*.txt")]
    found = {one: lock_text(root / name) for one, name in context.locks(names).items()}
    if context.DEFAULT not in found:
        loose = root / "requirements.txt"
        if loose.is_file():
            say("there is no requirements.lock.txt: requirements.txt is taken, not pinned")
        found = {context.DEFAULT: lock_text(loose) if loose.is_file() else "", **found}
    return found


def lock_text(path: Path) -> str:
    """A list of requirements; UsageError when it says a password, which the image would show."""
    text = path.read_text(encoding="utf-8")
    if lines := context.logins(text):
        where = ", ".join(map(str, lines[:5]))
        raise UsageError(
            f"{path} has an address with a password or token (line {where}), and whoever pulls the"
            " image could read it. Take it out, and install that package in a base_image."
        )
    return text


def dockerfile(root: Path, target: Target) -> str:
    """TARGET/Dockerfile of the project, else byoa's own."""
    own = root / target.name / "Dockerfile"
    if own.is_file():
        return own.read_text(encoding="utf-8")
    if (root / "environment.lock.yml").is_file() and not (root / context.LOCK).is_file():
        raise UsageError(
            f"environment.lock.yml is conda's, which byoa does not build. Write {own} with a base"
            f" image of conda, or a {context.LOCK}."
        )
    return context.DOCKERFILE


@dataclass(frozen=True, kw_only=True)
class Builder:
    """How a project's images are made."""

    place: Place
    project: str
    target: Target
    say: Say
    there: bool = False  #: by CodeBuild
    skip: bool = False  #: what was pushed last is taken as it is
    force: bool = False
    names: dict[str, str] = field(default_factory=dict)  #: what is here of each that was pushed

    def images(self, laid: Laid, tasks: Iterable[str]) -> dict[str, Image]:
        """Each task's image: built and pushed, unless the same is there."""
        tasks = list(tasks)
        context.unused(laid.patterns, tasks)
        of = {task: context.image_of(task, laid.patterns) for task in tasks}
        made = {pattern: self.image(laid, pattern) for pattern in dict.fromkeys(of.values())}
        return {task: made[pattern] for task, pattern in of.items()}

    def environments(self, laid: Laid, tasks: Iterable[str]) -> dict[str, str]:
        """What each task's image is made of besides the project's files; nothing is built."""
        tasks = list(tasks)
        context.unused(laid.patterns, tasks)
        of = {task: context.image_of(task, laid.patterns) for task in tasks}
        made = {pattern: self.environment(laid, pattern) for pattern in set(of.values())}
        return {task: made[pattern] for task, pattern in of.items()}

    def environment(self, laid: Laid, pattern: str) -> str:
        if self.target.by_processes:
            return "processes"
        if self.target.image:
            return f"image-{pinned(self.place, self.target.image)}"
        return context.environment(laid.dockerfile, laid.locks[pattern], self.variables)

    def image(self, laid: Laid, pattern: str) -> Image:
        return Image(self.uri(laid, pattern), self.environment(laid, pattern))

    def address(self, laid: Laid, task: str) -> str:
        """What the task's image will be called, as far as that is known before it is built."""
        if self.target.by_processes or self.target.image:
            return self.target.image or f"{PROCESS}{files.home() / 'pipelines' / laid.mark[:16]}"
        session, tag = self.place.session, context.tag(context.image_of(task, laid.patterns))
        return f"{registry_host(session.account, session.region)}/{self.repository}:{tag}"

    def uri(self, laid: Laid, pattern: str) -> str:
        if self.target.by_processes:
            return process_image(laid, self.target)
        if self.target.image:
            return pinned(self.place, self.target.image)
        if self.skip:
            return latest(self.place, self.repository, context.tag(pattern))
        return self.built(self.build(laid, pattern))

    def test(self, images: Mapping[str, Image], entry: str, overrides: Mapping[str, str]) -> None:
        """Loads the pipeline in each image that was built here; ByoaError is what it said."""
        if self.target.by_processes or self.target.image or self.there or self.skip:
            return
        words = ["python3", "-m", "byoa.pipeline.remote", "--check", entry]
        words += [f"--env={name}={value}" for name, value in overrides.items()]
        for uri in {image.uri for image in images.values()} & set(self.names):
            local = uri.partition("@")[0].rpartition("/")[2]
            self.say(f"testing {uri.partition('@')[0]}")
            try:
                docker("run", "--rm", "--network", "none", self.names[uri], *words)
            except DockerError as error:
                raise ByoaError(
                    f"The image of {local} cannot load {entry}: {str(error)[-2000:]}"
                ) from None

    @property
    def variables(self) -> dict[str, str]:
        return {"BASE_IMAGE": self.target.base_image} if self.target.base_image else {}

    @property
    def repository(self) -> str:
        """The repository's name in this account's registry."""
        if not self.target.repository:
            return fitted(f"byoa-{self.project}-pipelines", 200).lower()
        where, session = parse_image(self.target.repository), self.place.session
        if where.account and (where.account, where.region) != (session.account, session.region):
            raise UsageError(
                f"repository {self.target.repository} is account {where.account}'s in"
                f" {where.region}, but this is {session.account} in {session.region}. Name one of"
                " these, or change both."
            )
        return where.repository

    def build(self, laid: Laid, pattern: str) -> Build:
        """The context of one image: the project, byoa, the two lists of requirements."""
        if not (laid.folder / "byoa").is_dir():
            copy_byoa(laid.folder / "byoa")
        (laid.folder / context.LOCK).write_text(laid.locks[pattern])
        (laid.folder / context.OWN).write_text("\n".join(requirements()) + "\n")
        return Build(
            image=f"{self.repository}:{context.tag(pattern)}",
            folder=laid.folder,
            dockerfile=laid.dockerfile,
            variables=self.variables,
        )

    def built(self, build: Build) -> str:
        """REPOSITORY@DIGEST."""
        tags = {**self.target.tags, "byoa:project": self.project}
        if self.there:
            from byoa.on_codebuild import build_there

            return build_there(self.place, self.project, build, tags, self.say, self.force)
        uri = build_and_push(self.place.session, build, tags, self.say, self.force)
        if labels(build.image).get(LABEL) == build.mark:  # else it was pushed from elsewhere
            self.names[uri] = build.image
        return uri


def copy_byoa(folder: Path) -> None:
    """byoa's own files, as they are installed here."""

    def left(where: str, names: list[str]) -> list[str]:
        top = Path(where) == source
        return [
            name
            for name in names
            if name == "__pycache__" or name.endswith(".pyc") or (top and name in NOT_NEEDED)
        ]

    source = Path(byoa.__file__).parent
    shutil.copytree(source, folder, ignore=left)


def requirements() -> list[str]:
    """What byoa's pipelines need, as its own distribution says it."""
    found = []
    for line in metadata.requires("byoa") or ():
        need, _, marker = line.partition(";")
        if "extra" not in marker or "pipeline" in marker:
            parts = (part for part in marker.strip().split(" and ") if "extra" not in part)
            found.append("; ".join(filter(None, (need.strip(), " and ".join(parts)))))
    return sorted(found)


def latest(place: Place, repository: str, tag: str) -> str:
    """What was pushed last, by its digest; NotFoundError when nothing was."""
    from byoa.aws.registry import pushed

    session = place.session
    found = session.client("ecr").describe_repositories(repositoryNames=[repository])
    uri = found["repositories"][0].get("repositoryUri") or (
        f"{registry_host(session.account, session.region)}/{repository}"
    )
    return pushed(session, f"{uri}:{tag}")


def pinned(place: Place, image: str) -> str:
    """A ready-made image by its digest, where its registry says it."""
    if "@" in image or not parse_image(image).account:
        return image
    from byoa.aws.registry import pushed

    return pushed(place.session, image)


def process_image(laid: Laid, target: Target) -> str:
    """The project's files in a folder that stays: the sandbox runs the jobs there."""
    if target.image:
        return target.image
    home = files.home() / "pipelines" / laid.mark[:16]
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix=files.PARTIAL) as beside:
            shutil.copytree(laid.project, Path(beside) / "project")
            try:
                os.replace(Path(beside) / "project", home)
            except OSError as error:
                if not home.is_dir():  # a second driver was faster
                    raise ByoaError(f"{home} cannot be written: {error}") from error
    return f"{PROCESS}{home}"
