"""A grid compared: the best of it, its metrics against its parameters, a table to sort."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from byoa.plan.pipeline.report import plots, tables
from byoa.plan.pipeline.report.graph import Address
from byoa.plan.pipeline.report.influence import by_influence, heat
from byoa.plan.pipeline.report.markup import figure, shown, text
from byoa.plan.pipeline.report.plots import best, direction, metrics, varying
from byoa.plan.pipeline.report.seen import Seen

#: Metrics whose plots are open when the page opens; dots of one plot.
PLOTS, DOTS = 2, 1500


def comparison(family: Sequence[Seen], where: Address, ids: bool = False) -> str:
    """A grid: the best, a plot a metric and parameter, the table."""
    return _best(family, where) + _plots(family, where) + tables.family_table(family, ids)


def _best(family: Sequence[Seen], where: Address) -> str:
    keys = list(varying(family))
    items = []
    for metric in metrics(family):
        seen = best(family, metric)
        if seen is None:
            continue
        point = ", ".join(
            f"{text(key)} {text(shown(value))}"
            for key, value in plots.values_of(seen).items()
            if key in keys
        )
        word = "highest" if direction(metric) == "max" else "lowest"
        items.append(
            f"<div><dt>{word} {text(metric)}</dt><dd>{figure(seen.metrics[metric])}</dd>"
            f'<dd class="point"><a href="{text(where(seen.name))}">{point or text(seen.name)}</a>'
            "</dd></div>"
        )
    return f'<dl class="tiles">{"".join(items)}</dl>' if items else ""


def _plots(family: Sequence[Seen], where: Address) -> str:
    some = family
    if len(family) > DOTS:  # at random, but always the same: every n-th would hide a pattern
        places = sorted(random.Random(0).sample(range(len(family)), DOTS))
        some = [family[place] for place in places]
    made = []
    for place, metric in enumerate(metrics(family)):
        drawn = "".join(_figures(some, metric, where))
        if drawn:
            made.append(
                f"<details{' open' * (place < PLOTS)}><summary><b>{text(metric)}</b></summary>"
                f'<div class="plots">{drawn}</div></details>'
            )
    if made and len(some) < len(family):
        few, many = figure(len(some)), figure(len(family))
        made.append(f'<p class="soft">Drawn are {few} of {many} tasks, by chance.</p>')
    return "".join(made)


def _figures(family: Sequence[Seen], metric: str, where: Address) -> Iterator[str]:
    """The two parameters that matter most together, then each one, the most telling first."""
    if drawn := heat(family, metric):
        better = ", the better the stronger" if direction(metric) else ""
        yield f"<figure>{drawn}<figcaption>on average{better}</figcaption></figure>"
    for key, part in by_influence(family, metric):
        colour = plots.colouring(family, key)
        some = [seen for seen in family if key in plots.values_of(seen)]
        if drawn := plots.plot(family, key, metric, colour, where):
            yield f"<figure>{drawn}{plots.legend(some, colour)}{_part(key, part)}</figure>"


def _part(key: str, part: float | None) -> str:
    if part is None:
        return ""
    return (
        f'<figcaption title="the part of the variance that lies between the values of {text(key)}">'
        f"explains {100 * part:.0f} %</figcaption>"
    )
