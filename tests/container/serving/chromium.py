"""A headless Chromium for tests, driven through its DevTools protocol over two pipes.

`evaluate` runs in the page as it was served: its Content-Security-Policy stays in force. Whatever
the browser complains about (exceptions, broken policy) is collected in `complaints`.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip
# Chromium reads commands from file descriptor 3 and writes to 4; Popen cannot place them there.
PLACE = "import os,sys;os.dup2({0},3);os.dup2({1},4);os.execv(sys.argv[1],sys.argv[1:])"
SECONDS = 30.0


class Chromium:
    """One browser with one page; a context manager."""

    def __init__(self, profile: Path) -> None:
        self.profile = profile
        self.complaints: list[str] = []
        self._id = 0
        self._ahead = b""
        self._events: list[dict[str, Any]] = []
        self._session: str | None = None

    def __enter__(self) -> Chromium:
        assert CHROMIUM
        commands, self._write = _high_pipe()
        self._read, answers = _high_pipe()
        launcher = [sys.executable, "-S", "-c", PLACE.format(commands, answers), CHROMIUM]
        self._process = subprocess.Popen(
            [*launcher, *OPTIONS, f"--user-data-dir={self.profile}", "about:blank"],
            pass_fds=(commands, answers),
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "DOM"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._session = None
            self.call("Browser.close")
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._write)
            os.close(self._read)

    # -- the protocol ------------------------------------------------------------------------

    def call(self, method: str, **params: Any) -> Any:
        """The result of a command; what is reported meanwhile is kept."""
        self._id += 1
        message: dict[str, Any] = {"id": self._id, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        while True:
            answer = self._receive()
            if answer.get("id") == self._id:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._events.append(answer)
            self._notice(answer)

    def wait_event(self, method: str) -> None:
        """Until this has been reported."""
        while not any(event.get("method") == method for event in self._events):
            event = self._receive()
            self._events.append(event)
            self._notice(event)

    def _notice(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"]))
        # A status of 4xx and 5xx is a line of the browser's log, too: the page shows those itself.
        if event.get("method") == "Log.entryAdded" and params["entry"]["source"] != "network":
            self.complaints.append(params["entry"]["text"])

    def _receive(self) -> dict[str, Any]:
        end = time.monotonic() + SECONDS
        while b"\0" not in self._ahead:
            left = max(0.0, end - time.monotonic())
            assert select.select([self._read], [], [], left)[0], "chromium says nothing"
            piece = os.read(self._read, 1 << 20)
            assert piece, "chromium is gone"
            self._ahead += piece
        message, _, self._ahead = self._ahead.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    # -- the page ----------------------------------------------------------------------------

    def open(self, address: str) -> None:
        """Go there, until all of it is loaded."""
        self._events.clear()
        self.call("Page.navigate", url=address)
        self.wait_event("Page.loadEventFired")

    def window(self, width: int, height: int, dark: bool = False) -> None:
        """The window's size and the reader's colours."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def evaluate(self, expression: str) -> Any:
        """The value of an expression, or of what it promises."""
        answer = self.call(
            "Runtime.evaluate",
            expression=expression, awaitPromise=True, returnByValue=True, userGesture=True,
        )  # fmt: skip
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Until an expression is true in the page."""
        found = self.evaluate(
            "new Promise((done) => { const end = performance.now() + 20000; const look = () => "
            f"({condition}) ? done(true) : performance.now() > end ? done(false) : "
            "setTimeout(look, 10); look(); })"
        )
        said = "" if found else self.evaluate("document.body.innerText")
        assert found, f"not within 20 s: {condition}\n{said}"

    def choose_file(self, selector: str, path: Path) -> None:
        """What a reader's choice in a file dialog does."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def press(self, key: str) -> None:
        """One key, down and up, as from a keyboard."""
        text = {"text": "\r"} if key == "Enter" else {}
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "End": 35}
        code = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    def screenshot(self, path: Path) -> None:
        """The whole page, however long, as a PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
        path.write_bytes(base64.b64decode(data))


def _high_pipe() -> tuple[int, int]:
    """A pipe whose ends are out of the way of 3 and 4."""
    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10))
        os.close(end)
    return ends[0], ends[1]
