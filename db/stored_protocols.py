"""The settings of the protocols that are stored."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from db.schema import Trial


def stored_protocols(connection: Connection, *chosen: ColumnElement[bool]) -> dict[str, dict[str, Any]]:
    """By protocol, of the trials that match all that is `chosen`."""
    # a protocol is the hash of its settings, so any trial of it has them
    any_trial = select(func.min(Trial.trial_id)).where(*chosen).group_by(Trial.protocol)
    rows = connection.execute(select(Trial.protocol, Trial.protocol_settings).where(Trial.trial_id.in_(any_trial)))
    return {row.protocol: row.protocol_settings for row in rows}
