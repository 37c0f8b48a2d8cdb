"""How often something expensive may be asked for, by one browser session and by all together."""

from __future__ import annotations

import threading
from collections import deque


class RateLimit:
    """At most `most` uses in any `seconds` seconds; safe to share between threads."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._uses: deque[float] = deque()
        self._lock = threading.Lock()

    def wait(self, now: float) -> float:
        """Seconds until the next use is allowed. 0 means that it is allowed, and counts it.

        Args:
            now: seconds on a clock that never goes back.
        """
        with self._lock:
            while self._uses and now - self._uses[0] >= self._seconds:
                self._uses.popleft()
            if len(self._uses) >= self._most:
                return self._seconds - (now - self._uses[0])
            self._uses.append(now)
            return 0.0
