"""pipeline.yaml made into a Pipeline: read, checked, grids unfolded, upstream found.

https://docs.ploomber.io/en/latest/api/spec.html, and what is ours: docs/pipeline-yaml.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from byoa.plan.pipeline.connect import check_names, connect, in_order
from byoa.plan.pipeline.draft import drafts
from byoa.plan.pipeline.entries import Entry
from byoa.plan.pipeline.env import Env
from byoa.plan.pipeline.item import Context
from byoa.plan.pipeline.model import Pipeline
from byoa.plan.pipeline.problems import Problems
from byoa.plan.pipeline.sections import sections
from byoa.plan.pipeline.spots import Draft
from byoa.plan.pipeline.world import World


def pipeline(
    name: str,
    document: Any,
    env: Env,
    world: World,
    problems: Problems,
    import_from: Sequence[str] = (),
) -> Pipeline:
    """The whole pipeline; PipelineError tells all that is wrong with it."""
    top = sections(document, env, world, problems)
    context = Context(top, world, problems)
    found = unfolded(top.tasks, context)
    check_names(found, problems)
    tasks = in_order(connect(found, problems, context.unread), problems)
    if env.unused:
        problems.note(f"{env.file}: not used: {', '.join(env.unused)}.")
    problems.end()
    return Pipeline(
        name=name,
        root=world.root,
        tasks=tasks,
        executor=top.executor,
        clients=top.clients,
        hooks=top.hooks,
        env=env.values,
        import_from=tuple(import_from) or (world.root,),
        templates=top.loader,
        notes=tuple(problems.notes),
    )


def unfolded(entries: Sequence[Entry], context: Context) -> list[Draft]:
    """The tasks of all entries, in their order; a grid before those that follow it."""
    made: dict[int, list[Draft]] = {}
    waiting = list(entries)
    while waiting:
        targets = {target_name(entry) for entry in waiting} - {""}
        ready = [
            entry
            for entry in waiting
            if "for_each" not in entry.keys
            or (target := str(entry.keys["for_each"])) in context.families
            or target not in targets
        ]
        for entry in ready or waiting:
            made[entry.index] = drafts(entry, context)
        waiting = [entry for entry in waiting if entry.index not in made]
    return [draft for index in sorted(made) for draft in made[index]]


def target_name(entry: Entry) -> str:
    """The family that an entry's grid will have; "" where it has none."""
    from byoa.plan.pipeline.names import family_of

    if "grid" not in entry.keys and "for_each" not in entry.keys:
        return ""
    return family_of(str(entry.keys.get("name", "")), "")
