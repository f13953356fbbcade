"""Which tasks run, and why: decided from what is known of each before anything is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from byoa.plan.pipeline import reasons
from byoa.plan.pipeline.fingerprint import product_key
from byoa.plan.pipeline.model import Decision, Fingerprint, Pipeline, Reason, Record, Task
from byoa.plan.pipeline.selection import Chosen

#: Tasks whose product is the user's own file: what it holds is known before they "run".
GIVEN = frozenset({"input", "link"})
NEW = Reason("new", "new")
FORCED = Reason("forced", "forced")


@dataclass(frozen=True)
class Look:
    """What is known of one task now: what would decide it, what did, what became of it."""

    now: Fingerprint  #: all but the upstream
    record: Record | None = None
    troubles: tuple[Reason, ...] = ()  #: of its products, or why there is no record


def decision(
    task: str, look: Look, upstream: Mapping[str, str | None], forced: bool = False
) -> Decision:
    """One task's: it runs for a reason of its own, perhaps, or is kept."""
    found = tuple(causes(look, upstream, forced))
    if found:
        return Decision(task, "run", found)
    open_ = list(dict.fromkeys(key.partition(":")[0] for key in upstream if upstream[key] is None))
    if not open_:
        return Decision(task, "keep")
    more = f" and {len(open_) - 3} more" if len(open_) > 3 else ""
    words = (
        f"if {', '.join(open_[:3])}{more} {'writes' if len(open_) == 1 else 'write'} other bytes"
    )
    return Decision(task, "perhaps", (Reason("upstream", words),))


def causes(look: Look, upstream: Mapping[str, str | None], forced: bool) -> Iterator[Reason]:
    if forced:
        yield FORCED
    yield from look.troubles
    if look.record is None:
        if not look.troubles:
            yield NEW
        return
    yield from reasons.differences(look.record.fingerprint, look.now)
    yield from reasons.upstream(look.record.fingerprint.upstream, upstream)


def plan(
    pipeline: Pipeline,
    chosen: Chosen,
    look: Callable[[Task], Look],
    digests: Callable[[Task], Mapping[str, str]],
) -> dict[str, Decision]:
    """Every task's decision. `digests` tells what a task's products hold now, by product key."""
    made: dict[str, Mapping[str, str | None]] = {}
    found: dict[str, Decision] = {}

    def of(name: str) -> Mapping[str, str | None]:
        if name not in made:  # left out: taken as it lies there, if anybody asks
            made[name] = dict(digests(pipeline.tasks[name]))
        return made[name]

    for name, task in pipeline.tasks.items():
        if name not in chosen.tasks:
            found[name] = Decision(name, "left out")
            continue
        seen = look(task)
        found[name] = decision(name, seen, upstream_of(task, pipeline, of), name in chosen.forced)
        if found[name].action == "keep" and seen.record is not None:
            made[name] = {key: one.digest for key, one in seen.record.products.items()}
        elif task.kind in GIVEN:
            made[name] = {key: digest or None for key, digest in digests(task).items()}
        else:
            made[name] = dict.fromkeys(task.products)
    return found


def upstream_of(
    task: Task, pipeline: Pipeline, of: Callable[[str], Mapping[str, str | None]]
) -> dict[str, str | None]:
    """What upstream gives a task, by "task" or "task:product key"."""
    found: dict[str, str | None] = {}
    for name in task.needs:
        made = of(name)
        for key in pipeline.tasks[name].products:
            found[product_key(name, key)] = made.get(key, "")
    return found


def same(old: Fingerprint, new: Fingerprint) -> bool:
    """Whether the one's result is the other's."""
    return not reasons.differences(old, new) and not tuple(
        reasons.upstream(old.upstream, new.upstream)
    )
