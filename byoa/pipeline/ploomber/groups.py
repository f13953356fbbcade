"""Several tasks at once, by Ploomber's name: for `>>` and `+`, and of a grid."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from byoa.pipeline.ploomber.param_grid import ParamGrid
from byoa.pipeline.ploomber.tasks import Task
from byoa.pipeline.ploomber.things import Product
from byoa.plan.errors import UsageError
from byoa.plan.pipeline.kinds import HOOKS
from byoa.plan.pipeline.names import axes, rendered

if TYPE_CHECKING:
    from byoa.pipeline.ploomber.dag import DAG


class TaskGroup:
    """Several tasks, for `>>` and `+`."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self.tasks = list(tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)

    def __len__(self) -> int:
        return len(self.tasks)

    def __add__(self, other: Any) -> TaskGroup:
        return TaskGroup([*self, *(other if isinstance(other, TaskGroup) else [other])])

    def set_upstream(self, other: Any) -> None:
        for task in self.tasks:
            task.set_upstream(other)

    def __rshift__(self, other: Any) -> Any:
        other.set_upstream(self)
        return other

    @classmethod
    def from_grid(  # noqa: PLR0913, PLR0917 - Ploomber's
        cls,
        task_class: type[Task],
        product_class: type[Product],
        product_primitive: Any,
        task_kwargs: Mapping[str, Any],
        dag: DAG,
        grid: Any,
        params: Mapping[str, Any] | None = None,
        **names: Any,
    ) -> TaskGroup:
        """One task a combination of the grid's values."""
        array = list(ParamGrid(grid, params).product())
        return cls.from_params(
            task_class, product_class, product_primitive, task_kwargs, dag, array,
            fixed=tuple(params or ()), **names,
        )  # fmt: skip

    @classmethod
    def from_params(  # noqa: PLR0913, PLR0917 - Ploomber's
        cls,
        task_class: type[Task],
        product_class: type[Product],
        product_primitive: Any,
        task_kwargs: Mapping[str, Any],
        dag: DAG,
        params_array: Iterable[Mapping[str, Any]],
        name: str | None = None,
        namer: str | Callable[[Mapping[str, Any]], str] | None = None,
        fixed: Iterable[str] = (),
        **hooks: Any,
    ) -> TaskGroup:
        """One task for each of these parameters; names come from their values."""
        points = [dict(params) for params in params_array]
        keys = [[key for key in axes(point) if key not in fixed] for point in points]
        if callable(namer):
            names = [namer(point) for point in points]
        elif namer or name:
            names = rendered(namer or name or "", points, keys, False)
        else:
            raise UsageError("A group of tasks needs a name or a namer.")
        parts = (
            product_primitive if isinstance(product_primitive, Mapping) else {"": product_primitive}
        )
        made = []
        for index, (one, point) in enumerate(zip(names, points, strict=True)):
            products = {
                key: product_class(placed(part, points, keys, index, one))
                for key, part in parts.items()
            }
            product: Any = products[""] if set(products) == {""} else products
            task = task_class(product=product, dag=dag, name=one, params=point, **dict(task_kwargs))
            for hook, function in hooks.items():
                if hook in HOOKS:
                    setattr(task, hook, function)
            made.append(task)
        return cls(made)


def placed(part: Any, points: list[Any], keys: list[list[str]], index: int, name: str) -> Any:
    """A product of one point: `{{name}}` is the task's, [[x]] a value's."""
    if isinstance(part, (str, os.PathLike)):
        text = os.fspath(part)
        if "{{name}}" in text.replace(" ", ""):
            return text.replace("{{ name }}", name).replace("{{name}}", name)
        return rendered(text, points, keys, True)[index]
    several = list(part)
    several[-2] = rendered(str(several[-2]), points, keys, False)[index]
    return tuple(several)
