"""One model process: loads the user's predictor, warms up, answers what the broker sends.

Run as `python -m container.serving.model_process INDEX BROKER_SOCKET MEMORY_BYTES READY_FD DEVICE`
(cpu, or gpu: the one in CUDA_VISIBLE_DEVICES). A byte is written to READY_FD when it is ready: so
the supervisor can tell a bad model from a crash. It dies with its supervisor; when the HTTP tier
restarts it checks in again. With several INDEXes, and as many READY_FDs, it is forked into as many
processes (`nursery`, whose REPORT_FD comes last).
"""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from container import stand_ins
from container.serving import defaults, nursery, protocol
from container.serving import handler as handlers
from container.serving.context import Context
from container.serving.inference import Runner
from container.serving.log import say
from container.serving.model_files import contents
from container.serving.outcomes import BrokenDeviceError, StopError, told
from container.serving.protocol import SHOW_FRAMES
from container.serving.settings import MIB, Settings

CANNOT_LOAD = 1
BROKEN = 70
RETRY_SECONDS = 0.05
MEMORY_SHARE = 0.9
GROWTH = 1.5  # a model that needs more than its share from the start is no leak


@dataclass(slots=True)
class ModelProcess:
    """The connection to the broker and what answers on it."""

    index: int
    address: str
    memory: int
    max_payload: int
    gpu_id: int | None
    sock: socket.socket | None = None
    at_start: int = 0
    properties: dict[str, object] = field(default_factory=dict)  # more of them for the handler

    def tell(self, state: str, **facts: Any) -> None:
        """Say to the broker how far we are; no broker yet is no reason to stop loading."""
        try:
            if self.sock is None:
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.connect(self.address)
            head = {"kind": "state", "state": state, "index": self.index, **facts}
            protocol.send(self.sock, head)
        except OSError:
            self.hang_up()

    def hang_up(self) -> None:
        """Close the connection."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def serve(self, runner: Runner) -> int:
        """Answer until the process has to be replaced; gives the exit status."""
        self.at_start = resident_bytes()
        while True:
            self.tell("ready", batches=runner.handler.predict_batch_fn is not None)
            try:
                while self.sock is not None:
                    if not self._answer_batch(self.sock, runner):
                        return protocol.RECYCLE
            except BrokenDeviceError:
                say(f"model process {self.index} has lost its GPU: replacing it")
                return BROKEN
            except (protocol.PeerGoneError, protocol.ProtocolError, OSError):
                self.hang_up()
            time.sleep(RETRY_SECONDS)

    def _answer_batch(self, sock: socket.socket, runner: Runner) -> bool:
        """One micro-batch; False when this process should end."""
        requests = [protocol.receive(sock, self.max_payload)]
        for _ in range(requests[0][0].get("following", 0)):
            requests.append(protocol.receive(sock, self.max_payload))
        left, held = len(requests), sum(len(body) for _, body in requests)
        for head, answer in runner.run(requests):
            left -= 1
            leaving = left == 0 and self._too_big(held + len(answer.body))
            reply = {
                "kind": "answer",
                "id": head["id"],
                "status": answer.status,
                "content_type": answer.content_type,
                "headers": answer.headers,
                "times": answer.times,
                "leaving": leaving,
            }
            protocol.send(sock, reply, answer.body)
            if leaving:
                return False
        return True

    def _too_big(self, held: int) -> bool:
        """Whether a leaking predictor has used up this process's share; bodies are no leak."""
        used = resident_bytes() - held
        if used < max(self.memory * MEMORY_SHARE, self.at_start * GROWTH):
            return False
        say(
            f"model process {self.index} uses {used // MIB} of its {self.memory // MIB} MiB:"
            " replacing it (does the predictor leak? BYOA_MODEL_MEMORY_MB sets the limit)"
        )
        return True


def show_frames() -> None:
    """From now on the log has the Python frames of a crash, and of a request that hangs."""
    faulthandler.enable()
    faulthandler.register(SHOW_FRAMES)


def resident_bytes() -> int:
    """This process's memory, for the price of reading one line."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def load(
    settings: Settings, process: ModelProcess, shared: handlers.Handler | None = None
) -> Runner:
    """Handler, model, warm-up: the user's exceptions are told with their one-line cause first."""
    properties = {
        "model_dir": str(settings.root.model),
        "gpu_id": process.gpu_id,
        **process.properties,
    }
    step = "the predictor"
    try:
        path = shared.path if shared else handlers.find(settings)
        step = f"importing {path}"
        stand_ins.offer()
        handler = shared or handlers.load(path)
        context = Context(properties)
        step = f"model_fn in {path}"
        model = load_model(handler, str(settings.root.model), context)
        handler = defaults.complete(handler, model)
        process.tell("warming up")
        step = f"warm-up in {path}"
        if handler.warm_up_fn is not None:
            handlers.call(handler.warm_up_fn, model, context=context)
        elif handler.model_warmup_fn is not None:
            folder = str(settings.root.model)
            handlers.call(handler.model_warmup_fn, folder, model, context=context)
    except handlers.HandlerError as error:
        process.tell("failed", reason=str(error))
        say(str(error))
        raise SystemExit(CANNOT_LOAD) from None
    except StopError:
        raise
    except BaseException as error:
        reason = f"{step} failed: {type(error).__name__}: {told(error)}"
        process.tell("failed", reason=reason)
        say(reason)
        if step.startswith("model_fn"):
            say(f"{settings.root.model} holds {contents(settings.root.model)}")
        traceback.print_exc()
        raise SystemExit(_status(error)) from None
    return Runner(handler, model, properties, settings.default_accept)


def load_model(handler: handlers.Handler, folder: str, context: Context) -> Any:
    """What model_fn gives; without one, the TorchScript file of the folder."""
    if handler.pre_model_fn is not None:
        handlers.call(handler.pre_model_fn, folder, context=context)
    return handlers.call(handler.model_fn or defaults.load_scripted, folder, context=context)


def _status(error: BaseException) -> int:
    """sys.exit(3) in the user's code ends the container with 3."""
    code = error.code if isinstance(error, SystemExit) else None
    return code if isinstance(code, int) and code else CANNOT_LOAD


def _leave(number: int, frame: FrameType | None) -> None:
    raise StopError


def main() -> int:
    """Load, then serve; SIGTERM is the ordinary end."""
    try:
        return _run()
    except StopError:
        return 0


def _run() -> int:
    shared: handlers.Handler | None = None
    if nursery.SEPARATOR in sys.argv[1]:
        index, ready_fd, shared = nursery.fork(sys.argv[1], sys.argv[4], int(sys.argv[6]))
    else:
        index, ready_fd = int(sys.argv[1]), int(sys.argv[4])
    address, memory, gpu_id = sys.argv[2], int(sys.argv[3]), 0 if sys.argv[5] == "gpu" else None
    os.set_inheritable(ready_fd, False)
    show_frames()
    signal.signal(signal.SIGTERM, _leave)
    settings = Settings.from_environment(os.environ)
    process = ModelProcess(index, address, memory, settings.max_payload, gpu_id)
    process.tell("loading")
    start = time.monotonic()
    runner = load(settings, process, shared)
    gc.collect()
    gc.freeze()  # the model and the framework stay: collections need not look at them
    os.write(ready_fd, b"r")
    os.close(ready_fd)
    say(f"model process {index} ready in {time.monotonic() - start:.2f} s ({runner.handler.path})")
    return process.serve(runner)


if __name__ == "__main__":
    sys.exit(main())
