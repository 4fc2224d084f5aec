"""The Ray engine: fits, summaries, vectors and searches as tasks on a cluster, through a shared store.

A task makes artefacts and returns no more than whether it made them, so that one which is lost with its node
is repeated on another, and a run that was killed continues from what the store holds.
"""

from __future__ import annotations

import dataclasses
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from bench.config.run_config import RunConfig
from bench.errors import MissingError, no_exit
from bench.harness.engines import work
from bench.harness.engines.engine import Components
from bench.harness.plan import Plan, make_plan
from bench.harness.stages.fit import Fit
from bench.harness.stages.follow import for_generator
from bench.harness.stages.retrieve import Retrieve
from bench.harness.stages.summarize import Summarize
from bench.protocols import (
    Divisible,
    Encoding,
    Generator,
    Retriever,
    is_approximate,
    is_fitted_per_generator,
)
from bench.systems.arithmetic import SETTINGS, configure_torch
from bench.systems.component import Component

RETRIES = 5
"""How often a task is repeated that was lost with its process or its node."""
_REACH_TIMEOUT = 20
"""Seconds."""
_INHERITED = ("OMP_NUM_THREADS", "HF_HUB_OFFLINE", "HF_HOME", *SETTINGS)
"""Variables of this process that decide what a task finds, and the last bits of what it computes."""

Task: TypeAlias = Any
"""Ray's reference to the `Done` of a task."""
Piece: TypeAlias = Callable[..., bool | None]
"""A function of `bench.harness.engines.work`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """What a process of the cluster needs to have the plan of the run."""

    config: RunConfig
    began: int
    process: int
    folder: str
    variables: Mapping[str, str | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Done:
    """The end of a task: whether it made something now (where that is shown), or what it raised."""

    made: bool = False
    error: Exception | None = None


class RayCluster:
    """Submit what a grid lacks to the cluster at ``RAY_ADDRESS``, or to one that is started here."""

    def __init__(self, plan: Plan, generators: Components, retrievers: Components) -> None:
        self._plan, self._generators, self._retrievers = plan, generators, retrievers
        self._ray = _import_ray()
        self._connected_here = False
        self._systems: dict[str, list[Task]] = {}
        self._runs: dict[tuple[str, str], Task] = {}

    def __enter__(self) -> Self:
        """Connect to the cluster and submit everything that the store lacks."""
        if not self._ray.is_initialized():
            self._connect()
            self._connected_here = True
        plan, device = self._plan, self._plan.context().device.partition(":")[0]
        cpus, gpus = plan.machine.num_cpus, plan.machine.num_gpus
        self._do = self._ray.remote(_do).options(
            num_cpus=plan.config.threads if cpus is None else cpus,
            num_gpus=float(device == "cuda") if gpus is None else gpus,
            max_retries=RETRIES,
        )
        config = dataclasses.replace(plan.config, quiet=True, device=device, store=plan.store.root)
        variables = {name: os.environ.get(name) for name in _INHERITED}
        self._start = self._ray.put(Start(config, plan.began, plan.process, str(Path.cwd()), variables))
        for generator in self._generators:
            self._submit_generator(generator)
            for retriever in self._retrievers:
                self._submit_cell(generator, retriever)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect from the cluster; it ends the tasks that are left."""
        if self._connected_here:
            self._ray.shutdown()
            return
        for task in [*self._runs.values(), *(task for tasks in self._systems.values() for task in tasks)]:
            self._ray.cancel(task, force=True)

    def wait(self, component: Component[Any]) -> bool:
        """Wait until a generator has summarized; retrievers are waited for with their cells."""
        made = self._wait(component.word, self._systems.get(component.word, []))
        if made and not Summarize(self._plan, component).exists():
            raise MissingError(
                f"{component.name}: a task on the cluster has finished, but {self._plan.store.root} on this "
                "machine does not hold what it made. All nodes must see one store folder (--store) or name "
                "one --remote-store, and have the same versions of qms-bench, its packages and its plug-ins."
            )
        return made

    def wait_for_run(self, generator: Component[Generator], retriever: Component[Retriever]) -> bool:
        """Wait for the run of a cell."""
        cell = (generator.word, retriever.word)
        return self._wait(".".join(cell), [self._runs[cell]] if cell in self._runs else [])

    def _connect(self) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no usage reports
        address = os.environ.get("RAY_ADDRESS", "")
        try:
            _reach(address)
            self._ray.init(log_to_driver=self._plan.config.verbose, logging_level="warning")
        except Exception as error:  # Ray raises a bare Exception where a node does not start in time
            cluster = f"at RAY_ADDRESS={address}" if address else "on this machine"
            raise MissingError(
                f"no Ray cluster answers {cluster}: {str(error).rstrip('.')}. Start one with 'ray start "
                "--head', or unset RAY_ADDRESS to use this machine alone; --engine local needs none."
            ) from error

    def _wait(self, name: str, tasks: list[Task]) -> bool:
        try:
            ends: list[Done] = self._ray.get(tasks)
        except self._ray.exceptions.RayError as error:
            raise MissingError(
                f"{name}: the cluster lost the task {RETRIES + 1} times ({type(error).__name__}). See Ray's "
                "logs; often a node has too little memory. The same command continues."
            ) from error
        for end in ends:
            if end.error is not None:
                raise end.error
        return any(end.made for end in ends)

    # Tasks and what each needs

    def _submit(self, piece: Piece, *names: object, needed: list[Task]) -> Task:
        return self._do.remote(self._start, piece, names, *needed)

    def _submit_parts(self, piece: Piece, *names: object, needed: list[Task]) -> list[Task]:
        parts = range(self._plan.machine.shards)
        return [self._submit(piece, *names, number, needed=needed) for number in parts]

    def _submit_generator(self, generator: Component[Generator]) -> None:
        if Summarize(self._plan, generator).exists():
            return
        needed: list[Task] = []
        if self._plan.machine.shards > 1 and isinstance(generator.system, Divisible):
            if generator.trainable:
                needed = [self._submit(work.fit_generator, generator.word, needed=[])]
            needed = self._submit_parts(work.summarize_part, generator.word, needed=needed)
        self._systems[generator.word] = [self._submit(work.summarize, generator.word, needed=needed)]

    def _submit_cell(self, generator: Component[Generator], retriever: Component[Retriever]) -> None:
        if self._has_run(generator, retriever):
            return
        cell = (generator.word, retriever.word)
        needed = list(self._systems.get(generator.word, []))
        if is_fitted_per_generator(retriever.system):
            needed = [self._submit(work.fit_follower, *cell, needed=needed)]
        else:
            needed += self._tasks_of(retriever)
        if self._plan.machine.shards > 1 and isinstance(retriever.system, Encoding):
            needed = self._submit_parts(work.encode_part, *cell, needed=needed)
            if not is_approximate(retriever.system):
                needed = self._submit_parts(work.search_part, *cell, needed=needed)
        self._runs[cell] = self._submit(work.retrieve, *cell, needed=needed)

    def _tasks_of(self, retriever: Component[Retriever]) -> list[Task]:
        """Submit the tasks of a retriever that all generators share, once, with its first cell."""
        name = retriever.word
        if name not in self._systems:
            tasks: list[Task] = []
            if retriever.trainable and not Fit(self._plan, retriever).exists():
                tasks = [self._submit(work.fit_retriever, name, needed=[])]
            if isinstance(retriever.system, Encoding):
                tasks = self._submit_parts(work.encode_queries, name, needed=tasks)
            self._systems[name] = tasks
        return self._systems[name]

    def _has_run(self, generator: Component[Generator], retriever: Component[Retriever]) -> bool:
        try:
            summaries = Summarize(self._plan, generator).find()
            if summaries is None:
                return False
            component = for_generator(self._plan, retriever, generator, write=False)
            return Retrieve(self._plan, component, summaries).exists()
        except Exception:  # a plug-in may fail in any way; the task raises it again, for its cell
            return False


def _import_ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError:
        raise MissingError(
            "--engine ray needs the package ray, which is not installed. Install it, on every node, with: "
            "pip install -c constraints.txt -e '.[ray]'"
        ) from None
    return ray


def _reach(address: str) -> None:
    """Raise OSError where nothing listens at ``host:port``; Ray itself would try for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_TIMEOUT).close()


# In a process of the cluster

_plans: dict[tuple[int, int, tuple[int, ...]], Plan] = {}


def _do(start: Start, piece: Piece, names: tuple[object, ...], *needed: Done) -> Done:
    """Make a piece of work, unless something that it needs has failed."""
    failed = [end for end in needed if end.error is not None]
    if failed:
        return failed[0]
    try:
        with no_exit():
            return Done(made=bool(piece(_plan_of(start), *names)))
    except Exception as error:  # a plug-in may fail in any way; the grid reports it in the cell's turn
        return Done(error=work.portable_error(error))


def _plan_of(start: Start) -> Plan:
    """Prepare a worker process for the run, and make its plan, once in each process."""
    key = (start.began, start.process, start.config.seed)
    if key not in _plans:
        for name, value in start.variables.items():
            if value is None:
                os.environ.pop(name, None)  # Ray sets OMP_NUM_THREADS
            else:
                os.environ[name] = value
        configure_torch()
        if Path(start.folder).is_dir():  # relative paths are those of the command
            os.chdir(start.folder)
        plan = make_plan(start.config)
        _plans.clear()
        _plans[key] = dataclasses.replace(plan, began=start.began, process=start.process)
    return _plans[key]
