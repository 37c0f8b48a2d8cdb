"""Errors of the methods room. Every message is one sentence a user can act on."""


class MethodError(Exception):
    """Something about a method is wrong."""


class SpecError(MethodError):
    """Words that name no method, or a parameter that does not exist or cannot have that value."""
