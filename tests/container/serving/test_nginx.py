"""nginx's configuration is what nginx itself accepts, and says what the settings say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from container.serving import nginx
from container.serving.settings import Settings
from tests.container.serving.conftest import HAS_NGINX

HOST = nginx.Host(as_root=False, connections=512, log=None)


def configure(folder: Path, host: nginx.Host = HOST, **environ: str) -> str:
    settings = Settings.from_environment({"BYOA_ALGORITHM": str(folder), **environ})
    return nginx.configure(settings, folder, folder / "gateway.sock", host)


def test_one_knob_each_for_payload_and_time(tmp_path: Path):
    text = configure(tmp_path, SAGEMAKER_MAX_PAYLOAD_IN_MB="7", SAGEMAKER_MODEL_SERVER_TIMEOUT="33")
    assert f"client_max_body_size {7 * 1024 * 1024};" in text
    assert "proxy_read_timeout 43s;" in text, "the app is the one to say 504"


def test_it_writes_below_its_folder_only(tmp_path: Path):
    text = configure(tmp_path)
    written = re.findall(r"(?:_temp_path|pid|access_log|error_log) (\S+)", text)
    assert [path for path in written if not path.startswith(str(tmp_path))] == [
        "stderr",
        "off;",
    ]


def test_every_page_is_our_json(tmp_path: Path):
    pages = re.findall(r"return (\d+) '(.*)';", configure(tmp_path))
    assert len(pages) > 10
    for _, body in pages:
        assert set(json.loads(body)["error"]) == {"code", "message"}
    given = re.findall(r"error_page (\d+) =(\d+)", configure(tmp_path))
    assert dict(given)["501"] == dict(given)["505"] == "400", "what a client did is no 5xx"
    assert dict(given)["502"] == "503"


@pytest.mark.skipif(not HAS_NGINX, reason="nginx is not on PATH")
@pytest.mark.parametrize("log", [None, "stderr"])
def test_nginx_accepts_it(tmp_path: Path, log: str | None):
    program = shutil.which("nginx")
    assert program
    config = tmp_path / "nginx.conf"
    path = str(tmp_path / "access.log") if log else None
    config.write_text(configure(tmp_path, nginx.Host(False, 512, path)))
    checked = subprocess.run(
        [program, "-t", "-p", str(tmp_path), "-c", str(config), "-e", "stderr"],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr
