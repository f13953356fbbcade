"""The page of messages is the table that the program reads; what we quote of ourselves we say."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from tests.docs.messages import is_said, said

HERE = Path(__file__).parent
MADE = runpy.run_path(str(HERE / "troubleshooting.py"))
PAGE = (HERE.parents[1] / "docs" / "troubleshooting.md").read_text()
SECTIONS = re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S)
OURS = [
    " ".join(message.split())
    for _, body in SECTIONS
    for message in re.findall(r"`([^`]+)`", body.partition("**We say:**")[2])
    if not message.startswith("doctor ")
]
THEIRS = [line.strip() for line in re.findall(r"^ {4}(\S.*)$", PAGE, re.M)]
#: What users of other containers had on their screens, one line for each pain that is known.
SEEN = (
    'Error response from daemon: exec: "serve": executable file not found in $PATH: unknown.',
    "[FATAL tini (7)] exec train failed: Permission denied",
    "/usr/bin/env: 'python3\\r': No such file or directory",
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint.",
    "[crit] 12#12: *1 connect() to unix:/tmp/gunicorn.sock failed (2: No such file or directory)",
    "ModelError: An error occurred (ModelError) when calling the InvokeEndpoint operation: "
    "ModelError: Received server error (500) from primary with message",
    "[WARNING] Worker was terminated due to signal 9",
    "RuntimeError: Cannot re-initialize CUDA in forked subprocess. To use CUDA with "
    "multiprocessing, you must use the 'spawn' start method",
    "[2026-11-22 04:36:57 +0000] [9] [CRITICAL] WORKER TIMEOUT (pid:21)",
    "<head><title>413 Request Entity Too Large</title></head>",
    'AlgorithmError: ExecuteUserScriptError: ExitCode 1 ErrorMessage "" Command "/opt/python"',
    "SIGTERM reached the program, exit code 143",
    "RuntimeError: Error(s) in loading state_dict for MaskRCNN",
    "RuntimeError: DataLoader worker (pid 83) is killed by signal: Bus error. ",
    "CUDA driver version is insufficient for CUDA runtime version",
    "train.py: error: unrecognized arguments: --learnin_rate 0.1",
    "Unsupported manifest media type application/vnd.oci.image.index.v1+json for image",
    "standard_init_linux.go:228: exec user process caused: exec format error",
    "Cannot pull algorithm container. Either the image does not exist or its permissions are "
    "incorrect",
    "toomanyrequests: You have reached your pull rate limit. You may increase the limit",
    "ERROR: Could not find a version that satisfies the requirement timm",
    "No log streams",
    "rm: cannot remove 'model': Permission denied",
    "ncclInternalError: NCCL error: unhandled system error, NCCL version 2.27",
    "Received a failed archive status.",
    "did not pass the startup health check within 240 s",
    "ModuleNotFoundError: No module named 'pkg_resources'",
)


def test_the_page_is_up_to_date():
    assert MADE["PAGE"].read_text() == MADE["page"](), "python tests/docs/troubleshooting.py"


def test_nothing_of_the_table_s_own_language_is_left():
    assert "{message}" not in MADE["page"]() and "{{" not in MADE["page"]()


def test_what_the_page_quotes_of_us_some_program_says():
    texts = said()
    assert len(OURS) > 40
    assert [message for message in OURS if not is_said(message, texts)] == []


def test_a_message_that_nobody_says_is_found():
    texts = ["there is no \0 in \0. Add it."]
    assert is_said("there is no … in ….", texts)
    assert not is_said("there is no … within ….", texts)


@pytest.mark.parametrize("line", SEEN, ids=range(len(SEEN)))
def test_who_searches_for_the_text_on_the_screen_finds_it(line: str):
    pattern = [".*".join(map(re.escape, phrase.split("…"))) for phrase in THEIRS]
    assert any(re.search(each, line) for each in pattern), line


@pytest.mark.parametrize("title, body", SECTIONS, ids=[title for title, _ in SECTIONS])
def test_every_section_says_what_to_do(title: str, body: str):
    assert re.search(r"^ {4}\S", body, re.M), "no text to search for"
    assert "**Fix.**" in body
