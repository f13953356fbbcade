"""`byoa logs`: what a job said, of all its hosts."""

from __future__ import annotations

import argparse

from byoa import jobs
from byoa.cli.show import plain
from byoa.cli.task_place import add_job, find
from byoa.follow import Watch, line_text, pause_of

HELP = "A job's lines, of all its hosts, by time; -f as they are written."
EXAMPLES = """\
  byoa logs -p demo -t first -f
  byoa logs first-20261122-080522-065fba --host algo-2 --on process"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--follow", "-f", action="store_true", help="until the job has ended")
    parser.add_argument("--host", help="of this host only, such as algo-1")
    add_job(parser)


def run(arguments: argparse.Namespace) -> int:
    import json

    found = find(arguments)
    watch = Watch(found.place, found.run)
    for line in watch.lines(pause_of(found.place), arguments.follow):
        if arguments.host and line.host != arguments.host:
            continue
        text = json.dumps(line._asdict(), default=plain) if arguments.json else line_text(line)
        print(text, flush=arguments.follow)
    return 0 if jobs.status_of(watch.described or found.described) != "Failed" else 1
