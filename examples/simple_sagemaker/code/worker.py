"""Counts words on every host (task 1), adds the hosts' counts up (task 2)."""

import argparse
import json
import sys
import tarfile
from pathlib import Path

from inner import lib  # beside this file
from tabulate import tabulate  # requirements.txt
from worker_toolkit import worker_lib  # byoa puts it here


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--greeting", default="")
    arguments, _ = parser.parse_known_args()
    config = worker_lib.WorkerConfig()
    print(f"-- {config.current_host}, {config.host_rank} of {config.num_nodes}:", sys.argv[1:])
    if int(config.hps["task_type"]) == 1:
        count(config, arguments.greeting)
    else:
        add_up(config)


def count(config: worker_lib.WorkerConfig, greeting: str) -> None:
    """This host's share of the files, as the model; the state remembers how often it ran."""
    import humanize  # in the image: the Dockerfile's text installed it

    files = sorted(Path(config.channel_data).rglob("*.txt"))
    counts = {file.name: lib.count_words(file.read_text()) for file in files}
    print(greeting)
    print(tabulate(counts.items(), headers=["file", "words"]))
    persons = next(Path(config.channel_persons).rglob("persons.json"))
    print(f"-- persons.json: {humanize.naturalsize(persons.stat().st_size)}")
    Path(config.model_dir, f"counts_{config.host_rank}.json").write_text(json.dumps(counts))
    Path(config.output_data_dir, f"files_{config.host_rank}").write_text("\n".join(counts))
    with Path(config.instance_state, "runs").open("a") as state:
        state.write("1\n")


def add_up(config: worker_lib.WorkerConfig) -> None:
    """The hosts' models are one archive; each host gets its share of the state."""
    from extras import report

    with tarfile.open(Path(config.channel_words_model, "model.tar.gz")) as archive:
        counts = [json.load(archive.extractfile(item)) for item in archive if item.isfile()]
    total = sum(number for part in counts for number in part.values())
    print(report.line("words", total))
    states = sorted(
        path.name for path in Path(config.channel_words_state).rglob("*") if path.is_file()
    )
    print(f"-- state of the first task here: {states}")
    print(f"Score={total};")
    Path(config.output_data_dir, f"total_{config.host_rank}").write_text(str(total))


if __name__ == "__main__":
    main()
