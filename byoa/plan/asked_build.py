"""What build_image builds: the files of a context, their mark, and CodeBuild's request."""

from __future__ import annotations

import hashlib
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from byoa.plan import ignore
from byoa.plan.asked import BuildImage
from byoa.plan.codebuild import BUILDSPEC, bases, build_environment, start_build_request
from byoa.plan.errors import JobFailedError, UsageError
from byoa.plan.zips import SOUND, Files

SCRIPT = "build_and_push.sh"
SCRIPTED = f"version: 0.2\nphases:\n  build:\n    commands:\n      - bash {SCRIPT}\n"
MOST_BYTES = 200 << 20  #: thrice in memory, of which the function has 1 GiB
MOST_MEMBERS = 20_000
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, kw_only=True)
class ImagePlan:
    """One image: what it is made of, its address, and CodeBuild's words for the build."""

    files: Files
    mark: str
    image: str
    project: str
    source: str  #: s3://bucket/key of the zip that CodeBuild reads
    environment: Mapping[str, str]

    @property
    def repository(self) -> str:
        return self.image.partition("/")[2].rpartition(":")[0]

    @property
    def tag(self) -> str:
        return self.image.rpartition(":")[2]

    @property
    def start_request(self) -> dict[str, Any]:
        return start_build_request(self.project, self.source, self.environment)

    def answer(self, status: str, build: str = "") -> dict[str, Any]:
        """The JSON; its last three keys are for the state machine's own codebuild:startBuild."""
        variables = self.start_request["environmentVariablesOverride"]
        return {
            "Done": status in ("UpToDate", "ToBuild", "Built"),
            "NeedsBuild": status == "ToBuild",
            "Built": status == "Built",
            "Status": status,
            "Image": self.image,
            "BuildId": build,
            "Project": self.project,
            "SourceLocation": self.start_request["sourceLocationOverride"],
            "Environment": [{key.capitalize(): one[key] for key in one} for one in variables],
        }


def image_plan(
    asked: BuildImage, files: Files, registry: str, here: Mapping[str, str]
) -> ImagePlan:
    """The plan for a context's files; `here` has project, bucket, repository, region and build."""
    if "Dockerfile" not in files and SCRIPT not in files:
        some = ", ".join(sorted(files)[:5]) or "nothing"
        raise UsageError(f"The context has no Dockerfile at its top: there is {some}. Add one.")
    repository = asked.repository or here["repository"]
    mark = mark_of(files, asked.variables)
    image = f"{registry}/{repository}:{mark[:32]}"
    text = files.get("Dockerfile", (b"", False))[0].decode("utf-8", "replace")
    own = SCRIPT in files
    words = build_environment(
        image, mark, here["region"], bases(text), {} if own else asked.variables
    )
    # build_and_push.sh takes its repository by name: the registry is its own account's
    words |= {**asked.variables, "IMAGE": image.partition("/")[2]} if own else {}
    return ImagePlan(
        files={"buildspec.yml": ((SCRIPTED if own else BUILDSPEC).encode(), False), **files},
        mark=mark,
        image=image,
        project=here["build_project"],
        source=f"s3://{here['bucket']}/builds/{mark}.zip",
        environment=words,
    )


def check(asked: BuildImage, here: Mapping[str, str]) -> None:
    """UsageError for what can be told before anything is looked at."""
    own = here["repository"]
    repository = asked.repository or own
    if repository != own and not repository.startswith(f"{own}/"):
        raise UsageError(
            f"Repository is {repository!r}, and this function may push to {own} and what begins"
            f" with {own}/ only. Leave it out, or take such a name."
        )
    if asked.tag and not TAG.fullmatch(asked.tag):
        raise UsageError(f"Tag is {asked.tag[:60]!r}. Take letters, digits, and . _ - inside.")
    if bool(asked.context) == bool(asked.files):
        raise UsageError("Give either Context (s3://…/context.zip) or Files ({name: text}).")


def mark_of(files: Files, variables: Mapping[str, str]) -> str:
    """One hash of names, modes, contents and variables; never of an archive."""
    digest = hashlib.sha256(ascii(sorted(variables.items())).encode())
    for name, (data, program) in sorted(files.items()):
        content = hashlib.sha256(data).hexdigest()
        digest.update(ascii((name, program, content)).encode())
    return digest.hexdigest()


def inline(texts: Mapping[str, str]) -> Files:
    """Files that stand in the event."""
    for name in texts:
        _check_name(name)
    return {name: (text.encode(), name.endswith(".sh")) for name, text in texts.items()}


def unzipped(data: bytes, address: str) -> tuple[Files, list[str]]:
    """The files of a context's zip, and those left out as secrets; one folder around is none."""
    secrets: list[str] = []
    try:
        found = dict(_members(zipfile.ZipFile(io.BytesIO(data)), secrets))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UsageError(f"{address} is no whole zip: {error}. Upload it again.") from error
    tops = {name.partition("/")[0] for name in found}
    if len(tops) == 1 and all("/" in name for name in found):  # as GitHub packs a repository
        found = {name.partition("/")[2]: one for name, one in found.items()}
    return found, secrets


def _members(
    archive: zipfile.ZipFile, secrets: list[str]
) -> Iterator[tuple[str, tuple[bytes, bool]]]:
    members = [info for info in archive.infolist() if not info.is_dir()]
    if len(members) > MOST_MEMBERS:
        raise UsageError(f"The context holds {len(members):,} files. Leave out what is no code.")
    left = MOST_BYTES
    for info in members:
        _check_name(info.filename)
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise UsageError(f"{info.filename!r} is no plain file. Pack its content instead.")
        if info.compress_type not in SOUND:
            raise UsageError(f"{info.filename!r} is not packed by deflate. Pack it with zip.")
        if any(map(ignore.secret, info.filename.split("/"))):
            secrets.append(info.filename)
            continue
        with archive.open(info) as source:
            data = source.read(left + 1)
        if len(data) > left:
            raise UsageError(
                f"The context is over {MOST_BYTES >> 20} MiB. Leave data out: a build can fetch it."
            )
        left -= len(data)
        yield info.filename, (data, bool(mode & 0o100))


def _check_name(name: str) -> None:
    pieces = name.split("/")
    if not name or name.startswith("/") or "\\" in name or {"", ".", ".."} & {*pieces}:
        raise UsageError(f"The context's file {name[:80]!r} lies outside of it. Pack it again.")


def running(builds: list[dict[str, Any]], mark: str) -> dict[str, Any] | None:
    """The build of this very context that is under way."""
    for build in builds:
        words = build.get("environment", {}).get("environmentVariables", ())
        same = {"CONTEXT": mark}.items() <= {one["name"]: one["value"] for one in words}.items()
        if build.get("buildStatus") == "IN_PROGRESS" and same:
            return build
    return None


def build_status(build: Mapping[str, Any]) -> str:
    """Building or Built; JobFailedError with the phase that failed and CodeBuild's own words."""
    status = build.get("buildStatus")
    if status in ("IN_PROGRESS", "SUCCEEDED"):
        return "Building" if status == "IN_PROGRESS" else "Built"
    where = f"The build {build['id']} is {status}"
    for phase in build.get("phases", ()):
        if phase.get("phaseStatus") not in (None, "SUCCEEDED"):
            said = "; ".join(one.get("message", "") for one in phase.get("contexts", ()))
            where += f" in its phase {phase['phaseType']}{': ' + said if said else ''}"
            break
    link = build.get("logs", {}).get("groupName", "/aws/codebuild")
    raise JobFailedError(
        f"{where}. Its log in {link} says more; mend the context, then call again."
    )
