"""A Ray cluster: the one at an address, or one of this machine for as long as a run lasts."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from bench.errors import BenchError

CONNECT_SECONDS = 5.0
INIT_SECONDS, CLIENT_SECONDS = 8.0, 30.0
"""How long a head that answers may take until a run is connected; through Ray Client it starts a process first."""
CLIENT = "ray://"
PORT = 6379
_EVERYWHERE = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # after a lost connection Ray would make itself another one, to whatever cluster it finds
    "RAY_ENABLE_AUTO_CONNECT": "0",
}
_OWN = {
    "RAY_AUTH_MODE": "disabled",
    # as in a local run: trials get the processor as they are, and the system decides who pays for a lack of memory
    "RAY_worker_niceness": "0",
    "RAY_memory_monitor_refresh_ms": "0",
    # workers that nobody asked for take half a gigabyte each
    "RAY_prestart_worker_first_driver": "0",
}


@contextmanager
def connected(address: str | None, cpus: int, empty: Path) -> Iterator[Any]:
    """The module `ray`, connected.

    Args:
        address: `host:port`, `auto`, `ray://host:port`, or None for a cluster of this machine that ends with the block.
        cpus: of such a cluster.
        empty: a folder without anything in it.

    Raises:
        BenchError: Ray is not installed, nothing answers at the address, or what answers is no fitting cluster.
    """
    for name, value in (_EVERYWHERE if address else _EVERYWHERE | _OWN).items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise BenchError("Ray is not installed; call: pip install 'leangnn[ray]'") from None
    start = partial(ray.init, logging_level=logging.CRITICAL, log_to_driver=False)
    # Ray puts the current folder before all others where workers look for modules, and one called `db` there would
    # hide ours
    with _errors_in_one_sentence(address or "this machine"), chdir(empty):
        if address is None:
            # in this thread, because Linux ends the processes of the cluster with the thread that started them
            start("local", num_cpus=cpus, include_dashboard=False)
        else:
            _knock(address)
            _within(CLIENT_SECONDS if address.startswith(CLIENT) else INIT_SECONDS, partial(start, address), address)
    try:
        yield ray
    finally:
        # a head that is gone cannot say goodbye
        with suppress(Exception):
            ray.shutdown()


def answers(address: str) -> bool:
    """Whether something listens at `host:port`."""
    host, _, port = address.removeprefix(CLIENT).rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _knock(address: str) -> None:
    """Ray itself tries for minutes to reach a head that is not there."""
    if address == "auto":
        return
    _, colon, port = address.removeprefix(CLIENT).rpartition(":")
    if not colon or not port.isdigit():
        raise BenchError(f"--ray-address {address} is not possible; write auto, HOST:{PORT} or {CLIENT}HOST:10001")
    if not answers(address):
        raise BenchError(f"no Ray cluster answers at {address}; is its head up (ray start --head) and the port open?")


def _within(seconds: float, connect: Callable[[], Any], address: str) -> None:
    """Connect in a thread, because Ray waits without end for what answers and is no head."""
    failed: list[Exception] = []

    def work() -> None:
        try:
            connect()
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise BenchError(f"no Ray cluster is ready at {address} (waited {seconds:g} s); look there with: ray status")
    if failed:
        raise failed[0]


@contextmanager
def _errors_in_one_sentence(where: str) -> Iterator[None]:
    try:
        yield
    except BenchError:
        raise
    except Exception as error:  # Ray has no base class for what goes wrong here
        first = str(error).strip().partition("\n")[0]
        raise BenchError(f"Ray cannot be used at {where}: {first}") from error
