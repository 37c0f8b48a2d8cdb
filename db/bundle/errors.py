"""The error of the reader of bundles."""

from __future__ import annotations

from db.errors import StoreError


class BundleError(StoreError):
    """A submission cannot be read or written. The message is one sentence that names the cause."""
