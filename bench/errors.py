"""Errors of the bench room. Every message is one sentence a user can act on."""


class BenchError(Exception):
    """A run, a dataset or a setting is wrong; the command line exits with 1."""


class UsageError(BenchError):
    """Wrong words; the command line exits with 2."""


class DataError(BenchError):
    """A dataset is missing, damaged or inconsistent."""
