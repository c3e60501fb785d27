"""A lifetime described in a file, TOML or JSON: its tasks, when each is seen, who learns, and how.

Everything that can be wrong with a description is found before anything is learned. Data are
read by `sequence_data.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuralc import machines
from neuralc.data.examples_json import Batch, read_batches, read_hypers
from neuralc.errors import NeuralcError
from neuralc.ir.bodies import BODIES
from neuralc.ir.nodes import Network
from neuralc.learning.library.functions import signature
from neuralc.learning.library.index import check_name
from neuralc.learning.library.library import Library
from neuralc.learning.lifelong.result import Life
from neuralc.learning.lifelong.schedule import Schedule, check_points
from neuralc.learning.lifelong.sequence_data import Pools, built_in, examples_of, training
from neuralc.learning.lifelong.sequence_learner import LEARNERS, settings_of
from neuralc.learning.lifelong.table import Table, meant, read_table, short
from neuralc.learning.lifelong.task import Task
from neuralc.learning.model import Model

KEYS = ("seed", "steps", "batch", "evaluate_every", "evaluate_rows", "learner", "settings", "net",
        "library", "accept", "task")  # fmt: skip
TASK_KEYS = ("name", "model", "hypers", "data", "test", "grids", "held_out", "images", "schedule",
             "from", "until")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Lifetime:
    """A lifetime as it is described.

    Attributes:
        path: of the description.
        seed, steps, batch, evaluate_every, evaluate_rows: as in `live`.
        learner: a name of `LEARNERS`; settings: how it learns.
        net: the body of all networks; None: as the models say.
        library: the folder to save functions and tasks in, or None.
        accept: the share of the held-out examples from which on a task counts as found.
        tasks: in the order of the file; schedule: when they are seen.

    """

    path: Path
    seed: int
    steps: int
    batch: int
    evaluate_every: int
    evaluate_rows: int
    learner: str
    settings: Mapping[str, Any]
    net: str | None
    library: Path | None
    accept: float
    tasks: tuple[Task, ...]
    schedule: Schedule

    @property
    def evaluate_at(self) -> list[int]:
        """Numbers of steps after which the tasks are measured."""
        return [*range(self.evaluate_every, self.steps, self.evaluate_every), self.steps]

    def missed(self, life: Life) -> list[str]:
        """Return the tasks that were not found: met never, or too few examples come out right."""
        shares = life.accuracy
        return [task.name for task in self.tasks if shares.get(task.name, -1.0) < self.accept]


@dataclass(frozen=True, eq=False)
class _Entry:
    """A task of the file, before its data are read."""

    table: Table
    name: str
    model: Model
    batches: list[Batch] | None
    points: list[tuple[int, float]]


def read_lifetime(path: str | Path, *, seed: int | None = None) -> Lifetime:
    """Read the description of a lifetime, with all its data.

    Args:
        path: a `.toml` or `.json` file. Files that it names are looked for in its folder.
        seed: in place of that of the file.

    Raises:
        NeuralcError: a mistake; the message says the file, the task, the key, and a way out.
        FileError: a file that is missing or cannot be understood.

    """
    path = Path(path)
    table = Table(path, "", read_table(path), KEYS)
    steps = table.whole("steps", table.needed("steps", "such as steps = 8000"), least=1)
    chosen = seed if seed is not None else table.whole("seed", 0)
    learner = table.choice("learner", "programs", LEARNERS)
    net = table.choice("net", "mlp", BODIES) if "net" in table else None
    settings = settings_of(table, learner, net)
    for key in ("net", "library"):
        if key in table and learner != "programs":
            table.wrong(f"the learner {learner!r} does not use the networks of the models", key,
                        'leave it out, or write learner = "programs"')  # fmt: skip
    entries = _entries(table, net, steps)
    schedule = Schedule({entry.name: entry.points for entry in entries})
    if (gap := schedule.gap(steps)) is not None:
        table.wrong(f"at step {gap} of {steps} no task has any weight",
                    hint="let the schedules of the tasks overlap, or make fewer steps")  # fmt: skip
    library = path.parent / table.text("library", "") if "library" in table else None
    _check_networks(entries, schedule, library, alone=learner == "programs")
    batch, rows = table.whole("batch", 64, least=1), table.whole("evaluate_rows", 2000, least=1)
    every = table.whole("evaluate_every", max(1, steps // 20), least=1)
    accept, pools = table.number("accept", 0.5, most=1.0), Pools()
    tasks = tuple(
        Task(entry.name, entry.model,
             *examples_of(entry.table, entry.model, entry.batches, pools, (chosen, k)))
        for k, entry in enumerate(entries)
    )  # fmt: skip
    return Lifetime(path, chosen, steps, batch, every, rows, learner, settings, net, library,
                    accept, tasks, schedule)  # fmt: skip


# ---- tasks


def _entries(table: Table, net: str | None, steps: int) -> list[_Entry]:
    """Return the tasks of the file, without their data."""
    rows = table.needed("task", "write [[task]] and below it name, data and schedule")
    if not isinstance(rows, list) or not rows:
        table.wrong(f"found {short(rows)}, wanted tasks", "task", "write [[task]] for each")
    entries: list[_Entry] = []
    for number, row in enumerate(rows):
        given = row.get("name") if isinstance(row, Mapping) else None
        place = f"task {given!r}" if isinstance(given, str) else f"task number {number}"
        own = Table(table.path, place, row, TASK_KEYS)
        own.needed("name", 'such as name = "ADD2X2:top"')
        try:
            name = check_name(own.text("name", ""))
        except NeuralcError as error:
            own.wrong(str(error), "name")
        if name in [entry.name for entry in entries]:
            own.wrong("there is another task of this name", "name", "rename one of them")
        batches = _batches(own)
        entries.append(_Entry(own, name, _model(own, batches, net), batches, _points(own, steps)))
    return entries


def _batches(table: Table) -> list[Batch] | None:
    """Return the batches of a data file in JSON; None where the data are something else."""
    data = table.needed("data", 'such as data = "ADD2X2:top" or data = "meters.npz"')
    if built_in(table) or not table.text("data", "").endswith(".json"):
        return None
    try:
        batches = read_batches(table.path.parent / data)
    except NeuralcError as error:
        table.wrong(str(error), "data")
    if not batches:
        table.wrong("there is no batch in this file", "data")
    own = training(batches).hypers
    for batch in batches:
        if batch.hypers != own:
            table.wrong(f"batch {batch.name!r} is for other hyper-parameters ({batch.hypers!r}, "
                        f"not {own!r})", "data", "put it into another file")  # fmt: skip
    return batches


def _model(table: Table, batches: list[Batch] | None, net: str | None) -> Model:
    """Return the model of a task."""
    kind = built_in(table)
    if kind is None:
        table.needed("model", 'a machine such as "grid2x2_add", or a file beside this one')
    name = table.text("model", kind.machine if kind else "")
    file = table.path.parent / name
    if name not in machines.names() and not file.is_file():
        table.wrong(f"there is neither a machine nor a file {name!r}", "model",
                    meant(name, machines.names(), "the machines are"))  # fmt: skip
    hypers = _hypers(table, batches, kind.hypers(table) if kind else {})
    try:
        return Model.load(name if name in machines.names() else file, hypers, net=net)
    except NeuralcError as error:
        table.wrong(str(error), "model")


def _hypers(
    table: Table, batches: list[Batch] | None, default: Mapping[str, int]
) -> Mapping[str, int]:
    """Return the hyper-parameters of a task's model."""
    value = table.get("hypers")
    if value is None:
        return default
    if isinstance(value, str):
        named = None if batches is None else training(batches).hypers
        try:
            return read_hypers(table.path.parent / value, named)
        except NeuralcError as error:
            table.wrong(str(error), "hypers")
    if not isinstance(value, Mapping):
        table.wrong(f"found {short(value)}, wanted a table or a file", "hypers",
                    "such as hypers = {image_size = 28, num_lines = 4}")  # fmt: skip
    return dict(value)


def _points(table: Table, steps: int) -> list[tuple[int, float]]:
    """Return when a task is seen."""
    simple = [key for key in ("from", "until") if key in table]
    if "schedule" in table and simple:
        table.wrong(f"{simple[0]!r} and 'schedule' cannot both be given", hint="leave one out")
    if "schedule" not in table:
        first = table.whole("from", 0)
        end = table.whole("until", steps, least=1)
        if end <= first:
            table.wrong(f"found {end}, wanted a step after {first}, where it begins", "until")
        points = [(first, 1.0), (end - 1, 1.0)] if end - 1 > first else [(first, 1.0)]
    else:
        value = table.get("schedule")
        check_points(value, f"{table.path}: {table.place}: schedule")
        points = [(int(step), float(weight)) for step, weight in value]
    first = Schedule({"": points}).first("")
    if not 0 <= first < steps:
        when = "it has no weight at any step" if first < 0 else f"it begins at step {first}"
        table.wrong(f"the task is never seen: {when}, and there are {steps} steps",
                    hint="such as schedule = [[0, 1.0], [1000, 0.0]]")  # fmt: skip
    return points


# ---- networks


def _check_networks(
    entries: list[_Entry], schedule: Schedule, library: Path | None, *, alone: bool
) -> None:
    """Refuse networks that cannot be shared, and tasks that begin two of them (where `alone`)."""
    known: dict[str, tuple[Network, str]] = {}
    if library is not None:
        place = f"the library {library}"
        known = {f.name: (f.network, place) for f in Library(library).functions.values()}
    for entry in sorted(entries, key=lambda one: schedule.first(one.name)):
        new = []
        for network in entry.model.program.networks:
            if network.name not in known:
                new.append(network.name)
                known[network.name] = network, f"the task {entry.name!r}"
            other, where = known[network.name]
            if other != network:
                entry.table.wrong(
                    f"its network {network.name} is not that of {where}\n"
                    f"  here:  {signature(network)}\n  there: {signature(other)}",
                    "model", "tasks share networks by name: give one of them another name",
                )  # fmt: skip
        if alone and len(new) > 1:
            entry.table.wrong(
                f"{' and '.join(new)} are both new when it begins; a task may add one network at "
                "most: between two untrained networks nothing breaks the symmetry, so neither "
                "learns what it is for (Gaunt et al. 2017, section 3)",
                "model", f"let a task that uses only one of {', '.join(new)} begin earlier",
            )  # fmt: skip
