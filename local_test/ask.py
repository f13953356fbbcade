"""What a client does: wait until /ping says 200, post pictures to /invocations, score answers."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Endpoint:
    """A server that answers /ping and /invocations."""

    url: str

    def ping(self) -> tuple[int, str]:
        """The status and what it says; 0 while nothing listens."""
        try:
            with urllib.request.urlopen(f"{self.url}/ping", timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def wait(self, seconds: float, alive: Callable[[], bool] = lambda: True) -> float:
        """How long it took until the first 200; TimeoutError says what /ping said last."""
        begin = time.monotonic()
        while True:
            status, said = self.ping()
            if status == 200:
                return time.monotonic() - begin
            if not alive():
                raise ChildProcessError("the server ended before it was ready; its log says why")
            if time.monotonic() - begin > seconds:
                raise TimeoutError(
                    f"no 200 on /ping within {seconds:.0f} s; the last was {status}: {said}"
                )
            time.sleep(0.05)

    def invoke(
        self,
        body: bytes,
        content_type: str = "image/jpeg",
        accept: str = "application/json",
        query: str = "",
    ) -> bytes:
        """The body of the answer to one request."""
        headers = {"Content-Type": content_type, "Accept": accept}
        request = urllib.request.Request(f"{self.url}/invocations{query}", body, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            content: bytes = answer.read()
        return content

    def predict(self, picture: Path, query: str = "") -> dict[str, Any]:
        """The prediction for one picture file."""
        answer = json.loads(self.invoke(picture.read_bytes(), query=query))
        prediction: dict[str, Any] = answer["predictions"][0]
        return prediction


def mask_ap50(endpoint: Endpoint, folder: Path) -> float:
    """COCO's mask AP at IoU 0.5 of the endpoint's answers, computed by pycocotools."""
    # Quiet: pycocotools prints its progress, and the table is not what is asked for here.
    import contextlib
    import io

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "annotations.json"))
        results = []
        for image in truth.loadImgs(truth.getImgIds()):
            found = endpoint.predict(folder / "images" / image["file_name"])["detections"]
            # In an answer the pictures are counted from 1: here they get the data set's numbers.
            results += [{**detection, "image_id": image["id"]} for detection in found]
        if not results:
            return 0.0
        evaluation = COCOeval(truth, truth.loadRes(results), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[1])
