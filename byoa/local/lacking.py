"""What a process job or endpoint wants to import and its Python has not: told with the command."""

from __future__ import annotations

import re
import subprocess

from byoa.local.container import PROCESS
from byoa.local.harness import algorithm_of, python
from byoa.plan.errors import ByoaError

#: What `serve` imports: byoa alone comes without them, for most of its users serve elsewhere.
SERVING = ("flask", "gevent", "gunicorn", "packaging", "prometheus_client")
_LACKING = (
    "import importlib.util as u, sys; print(*[n for n in sys.argv[1:] if u.find_spec(n) is None])"
)
#: Packages that are not called as what one imports of them.
CALLED = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "prometheus_client": "prometheus-client",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
NO_MODULE = re.compile(r"No module named '([\w.]+)'")


def check_serving() -> None:
    """ByoaError when the Python of process endpoints cannot run `serve`, with what mends it."""
    words = [python(), "-c", _LACKING, *SERVING]
    found = subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()
    if found:
        packages = " ".join(CALLED.get(name, name) for name in found)
        raise ByoaError(
            f"Endpoints as plain processes run with {python()}, which lacks {', '.join(found)}"
            f" (byoa's extra `serve`): {python()} -m pip install {packages}"
        )


def install(reason: str, image: str) -> str:
    """The command that brings a missing module; "" when none is missing or it is not ours to say.

    A script's own requirements.txt is installed for its job: this is about an algorithm's folder.
    """
    folder = algorithm_of(image) if image.startswith(PROCESS) else None
    found = NO_MODULE.search(reason)
    if folder is None or not found:
        return ""
    module = found[1].partition(".")[0]
    wanted = folder / "requirements.txt"
    what = f"-r '{wanted}'" if wanted.is_file() else CALLED.get(module, module)
    return (
        f"A plain process has what {python()} has, and nothing is installed for it:"
        f" {python()} -m pip install {what}"
    )
