"""The Dockerfile, what may enter it, and CodeBuild's file, as text."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def instructions() -> list[str]:
    """The Dockerfile without comments, one instruction a string."""
    lines = [
        line
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    return re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()


def test_the_border_is_two_copy_lines():
    stages = "\n".join(instructions()).split("\nFROM ")
    copied = [re.findall(r"^COPY (?!--from)(.+)$", stage, re.MULTILINE) for stage in stages]
    assert copied[-1] == [
        "container/ /opt/byoa/container/",
        "${ALGORITHM}/ /opt/byoa/${ALGORITHM}/",
    ]
    built = [line.split() for lines in copied[:-1] for line in lines]
    named = [word for *sources, _ in built for word in sources if "ALGORITHM" not in word]
    assert named and all(word.startswith("requirements/") for word in named)
    # of the algorithm, the builder sees what it wants installed
    algorithms = [word for line in built for word in line if "ALGORITHM" in word]
    assert algorithms == ["${ALGORITHM}/requirements.tx[t]"]


def test_needs_no_buildkit():
    text = "\n".join(instructions())
    assert "--mount" not in text and "<<" not in text and "--chmod" not in text
    assert not (ROOT / "Dockerfile").read_text().startswith("# syntax")


def test_sagemaker_can_start_it():
    text = instructions()
    assert text[-1] == 'CMD ["train"]'
    assert not [line for line in text if line.startswith("ENTRYPOINT")]
    assert 'com.amazonaws.sagemaker.capabilities.accept-bind-to-port="true"' in "".join(text)


def test_ends_with_its_own_check():
    last = [line for line in instructions() if line.startswith("RUN")][-1]
    assert last.endswith("&& doctor")


def test_only_what_is_needed_enters_the_build():
    lines = (ROOT / ".dockerignore").read_text().split("\n")
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert [rule for rule in rules if rule.startswith("!")] == [
        "!container",
        "!mask_r_cnn",
        "!requirements",
    ]


def test_codebuild_builds_and_pushes_in_one_command():
    """post_build runs even when build failed: a push there would push the image before."""
    text = (ROOT / "buildspec.yml").read_text()
    assert re.findall(r"^      - (.+)$", text, re.MULTILINE) == ["bash build_and_push.sh"]
    assert "post_build:" not in text


def test_programs_have_lf_and_their_bits():
    for path in [
        *ROOT.glob("*.sh"),
        *ROOT.glob("container/bin/[a-z]*"),
        *ROOT.glob("local_test/*.sh"),
    ]:
        assert b"\r" not in path.read_bytes(), path
        assert path.stat().st_mode & 0o111, path
