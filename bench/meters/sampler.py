"""A light thread that calls one function at a fixed interval, for quantities that only polling can see."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Sampler:
    """Calls `sample` when it starts, every `interval` seconds, and once more when it stops.

    An error of `sample` ends the polling and is kept in `error`: a meter that fails must not end the trial.
    """

    def __init__(self, sample: Callable[[], None], interval: float) -> None:
        self._sample = sample
        self._interval = interval
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="leangnn-sampler", daemon=True)
        self.error: Exception | None = None

    def start(self) -> None:
        """Take the first sample here, so that a short window still has two, then poll."""
        self._take()
        self._thread.start()

    def stop(self) -> None:
        """End the thread, then take the last sample."""
        self._ended.set()
        self._thread.join()
        self._take()

    def _poll(self) -> None:
        while self.error is None and not self._ended.wait(self._interval):
            self._take()

    def _take(self) -> None:
        if self.error is None:
            try:
                self._sample()
            except Exception as error:
                self.error = error
