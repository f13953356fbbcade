"""A training job from its first file to its exit code."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from container import failure, model_folder
from container.algorithm import insist_on_training
from container.banner import banner
from container.command import command
from container.devices import Machine, missing_gpu, this_machine
from container.distribution import launcher
from container.ending import explain
from container.environment import passable, variables
from container.errors import ConfigurationError, HarnessError, ProgramError
from container.family import adopt_orphans
from container.hosts import interfaces, network_variables, wait_for_hosts, wait_seconds
from container.hyperparameters import check_passable, to_arguments
from container.job import Job, read_job, region
from container.log import log
from container.outputs import open_to_everyone, prepare
from container.process import Ended, Launch, run
from container.program import Program, find_program
from container.requirements import install
from container.root import Root
from container.signals import Signals
from container.threads import thread_variables

STOP_GRACE = 110.0  # SageMaker kills 120 s after SIGTERM; the rest is for our own ending


@dataclass(slots=True)
class Training:
    """One run of `train`, from the files below input/config to an exit code."""

    arguments: list[str]
    environ: dict[str, str]
    signals: Signals
    # What the program was told, once that is known: advice about a failure draws on it.
    told: dict[str, str] = field(default_factory=dict)
    local: bool = True

    def exit_code(self) -> int:
        """Runs the job; every failure leaves a failure file and a code that is not 0."""
        root = Root.of(self.environ)
        self.told = self.environ
        self.local = "TRAINING_JOB_ARN" not in self.environ
        try:
            code = self._run(root)
        except HarnessError as error:
            code = self._fail(root, f"{type(error).__name__}: {error}", 1)
        except Exception as error:
            traceback.print_exc()
            code = self._fail(root, f"{type(error).__name__}: {error}", 1)
        if self.local:
            open_to_everyone(root)
        return code

    def _run(self, root: Root) -> int:
        insist_on_training(self.environ)
        _refuse_processing(root)
        prepare(root)
        job = read_job(root)
        self.local = job.cluster.is_local
        machine = this_machine(self.environ)
        for line in banner(job, machine, self.environ):
            log(line)
        self._insist_on_gpu(job, machine)
        with ExitStack() as scratch:
            program = find_program(job, self.environ, scratch)
            log(f"program: {program.entry} in {program.folder} ({program.why})")
            return self._run_program(job, program, self._launch(job, machine, program))

    def _insist_on_gpu(self, job: Job, machine: Machine) -> None:
        """On SageMaker a missing GPU ends the job; where somebody plays SageMaker it is said."""
        problem = missing_gpu(job.cluster.instance_type, machine, self.environ)
        if problem and "TRAINING_JOB_ARN" in self.environ:
            raise ConfigurationError(problem)
        if problem:
            log(problem)

    def _launch(self, job: Job, machine: Machine, program: Program) -> Launch:
        arguments = to_arguments(job.hyperparameters.own)
        check_passable(arguments)
        how = launcher(job, machine, command(program.folder, program.entry))
        self.told = self._environ(job, machine, program)
        return Launch(
            command=[*how.words, *arguments, *self.arguments],
            folder=program.folder,
            environ=self.told,
            signal_group=not how.is_python,
            keep_stderr=not how.is_python,
            grace=_grace(self.environ),
        )

    def _environ(self, job: Job, machine: Machine, program: Program) -> dict[str, str]:
        """The program's variables: what the user set stays, but for SM_* and its like."""
        given, refused = passable(
            variables(job, machine, self.environ, program.entry, program.folder)
        )
        if refused:
            log(f"left out, as no process can be given them: {', '.join(refused)}")
        path = [str(program.folder), self.environ.get("PYTHONPATH", "")]
        return {
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",
            **network_variables(job.cluster, interfaces()),
            **thread_variables(self.environ, log, processes=machine.gpus or 1),
            **self.environ,
            **given,
            "SAGEMAKER_JOB_NAME": job.hyperparameters.text("sagemaker_job_name") or "",
            "SAGEMAKER_REGION": job.hyperparameters.text("sagemaker_region")
            or region(self.environ)
            or "",
            "CURRENT_HOST": job.cluster.current_host,
            "PYTHONPATH": os.pathsep.join(part for part in path if part),
        }

    def _run_program(self, job: Job, program: Program, launch: Launch) -> int:
        adopt_orphans()
        install(program, launch.environ, self.signals, log)
        wait_for_hosts(job.cluster, wait_seconds(self.environ), self.signals.stopped)
        if self.signals.stopped() and self.signals.stop is not None:
            log(f"{self.signals.stop.name} before the program started")
            return 128 + self.signals.stop
        began, since = time.monotonic(), time.time()
        try:
            ended = run(launch, self.signals, log)
        except OSError as error:
            raise ProgramError(
                f"{program.path} cannot be started: {error.strerror}."
                " Check its first line, its mode and the size of its hyperparameters."
            ) from None
        took = f"after {time.monotonic() - began:.1f} s"
        if ended.code == 0 or ended.is_stopped:
            model_folder.settle(job.root.model, log)
        if ended.code == 0 and job.cluster.rank == 0:
            model_folder.say_if_empty(job.root.model, program.folder, since, log)
        return self._tell(job, program, ended, took)

    def _tell(self, job: Job, program: Program, ended: Ended, took: str) -> int:
        if ended.code == 0:
            if job.root.failure.exists():
                log("the program left a failure file, but its exit code says that it succeeded")
            log(f"{program.entry} succeeded {took}")
            return 0
        if ended.stop is not None and ended.is_stopped and not job.root.failure.exists():
            log(f"{program.entry} ended on {ended.stop.name} {took}, exit code {ended.code}")
            return ended.code
        headline, details = explain(program.entry, ended)
        return self._fail(job.root, headline, ended.code, details)

    def _fail(self, root: Root, headline: str, code: int, details: str = "") -> int:
        """Leaves a failure file, unless the program wrote one, and says its first line."""
        text = failure.compose(headline, self.told, details)
        if not failure.write(root.failure, text):
            text = failure.read(root.failure) or text
        log(f"failed with exit code {code}: {text.splitlines()[0]}")
        return code


def _grace(environ: Mapping[str, str]) -> float:
    given = environ.get("BYOA_STOP_GRACE")
    if not given:
        return STOP_GRACE
    try:
        return max(0.0, float(given))
    except ValueError:
        raise ConfigurationError(
            f"BYOA_STOP_GRACE is {given!r}. Give it a number of seconds."
        ) from None


def _refuse_processing(root: Root) -> None:
    """A Processing job that names no entry point gets the image's command, which is `train`."""
    if root.processing_config.exists() and not any(root.input_config.glob("*.json")):
        sentence = (
            "This is a Processing job, and it does not say what to run. Give it an entry point"
            " (ContainerEntrypoint), such as python3 /opt/ml/processing/input/code/script.py."
        )
        failure.write(root.message, sentence)
        raise ProgramError(sentence)
