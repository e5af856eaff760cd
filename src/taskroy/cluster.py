"""The cluster that a command is to compute counterfactuals on: reached, and of our versions."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import TYPE_CHECKING

from taskroy.errors import StudyError

if TYPE_CHECKING:
    from distributed import Client

_SECONDS = 10
_LEAVE_OUT = "or leave out --cluster to compute on this machine alone"


@contextmanager
def connected(address: str | None) -> Iterator[Client | None]:
    """Connect to a cluster of `dask.distributed` while the block runs.

    Parameters
    ----------
    address
        Of its scheduler, such as ``tcp://host:8786``; None for no cluster.

    Yields
    ------
    Client or None
        What :func:`taskroy.counterfactual` takes.

    Raises
    ------
    StudyError
        If distributed is not installed, the scheduler does not answer, or its workers are none or
        have other versions of what computes.
    """
    if address is None:
        yield None
        return
    where = f"--cluster {address}"
    if importlib.util.find_spec("distributed") is None:
        raise StudyError(
            "Computing on a cluster needs the package 'distributed'.",
            where=where,
            remedy=f"python -m pip install 'taskroy[cluster]', {_LEAVE_OUT}",
        )
    from distributed import Client

    try:
        asyncio.run(_reach(address))
    except (OSError, ValueError) as error:
        raise StudyError(
            f"No cluster answers: {error}",
            where=where,
            expected="the address of a running scheduler, such as tcp://host:8786",
            remedy=f"start one with 'dask scheduler', {_LEAVE_OUT}",
        ) from error
    with Client(address, timeout=_SECONDS) as client:
        _require_workers_like_us(client, where)
        yield client


def versions() -> dict[str, str]:
    """Return the versions of what the digits of a counterfactual depend on, as installed here."""
    from taskroy.posteriors.finished_blocks import VERSIONS

    return {name: metadata.version(name) for name in VERSIONS}


async def _reach(address: str) -> None:
    """Say hello to a scheduler, or raise OSError or ValueError.

    A client that finds none is of no use for that: it stays behind and closes whenever Python
    collects it, and if that is while another one starts, both wait for ever.
    """
    from distributed.comm.core import connect

    greeted = await connect(address, timeout=_SECONDS)
    await greeted.close()


def _require_workers_like_us(client: Client, where: str) -> None:
    ours = versions()
    try:
        found = client.run(versions)
    except ImportError as error:
        raise StudyError(
            f"The cluster's workers cannot load taskroy: {error}.",
            where=where,
            remedy="install taskroy on every worker, in the version that is installed here",
        ) from error
    if not found:
        raise StudyError(
            "The cluster has no workers.", where=where, remedy="start some with 'dask worker'"
        )
    for worker, theirs in found.items():
        other = [f"{name} {theirs[name]}" for name in ours if theirs[name] != ours[name]]
        if other:
            raise StudyError(
                f"The worker {worker} has {', '.join(other)}.",
                where=where,
                expected=", ".join(f"{name} {version}" for name, version in ours.items()),
                remedy="install the same versions on every worker",
            )
