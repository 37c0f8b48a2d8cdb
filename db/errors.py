"""Errors of the store. Every message is one sentence a user can act on."""


class StoreError(Exception):
    """The store cannot be opened, read or written."""
