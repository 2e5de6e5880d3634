"""Entity tags (RFC 9110 section 8.8): what a report depends on, so that it is not sent twice.

A report follows from the read models' place in the ledger and from what was asked. The tag names
that place, so whoever has the report of a place is told that it is still the same before
anything is added up.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from infrastructure.version import VERSION
from interfaces.query_api.endpoint import Asked, Unchanged
from projections.contract import Projection, Snapshot

STATE = """
    SELECT projection, version, store::text, epoch, position FROM checkpoint
    WHERE projection = ANY(%s) ORDER BY projection"""


async def tag(
    snapshot: Snapshot,
    asked: Asked[Any],
    projections: Iterable[Projection],
    position: int,
    *more: str,
) -> str:
    """Return the tag of a report as of a position; `more` is what else it depends on.

    Call it when it is known that the caller may see the report. Raises `Unchanged` where the
    caller has it already.
    """
    names = [projection.name for projection in projections]
    state = await (await snapshot.execute(STATE, [names])).fetchall()
    caller = asked.caller
    right = "all" if asked.sees_all else "own"
    parts = [VERSION, caller.iss, caller.sub, right, asked.object_id, state, more]
    asked_for = asked.parameters.model_dump_json(exclude={"min_position"})
    digest = hashlib.sha256(json.dumps([*parts, asked_for]).encode()).hexdigest()[:24]
    found = f'"{position}-{digest}"'
    if found in asked.known or "*" in asked.known:
        raise Unchanged(found, position)
    return found
