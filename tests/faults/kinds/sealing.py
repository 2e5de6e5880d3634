"""The sealer stopped where it has signed and remembered a seal that the store does not have yet."""

import os
import signal
from collections.abc import Callable

from psycopg import sql

from tests.faults.ground import Ground
from tests.faults.kinds import Kind
from tests.faults.kinds.points import Harm, kill, met, sleep_long
from tests.faults.sessions import administration, process_of, table

ROLE = "sealer"
WAIT_SECONDS = 5.0
"""A seal is signed every second while money moves."""


def between_signing_and_storing(harm: Harm) -> Callable[[Ground], None]:
    """Take the table of seals: a sealer waits with its seal in the home and its tiles written."""

    def strike(ground: Ground) -> None:
        seals = table("ledger_main", "seal")
        with (
            administration(ground, "ledger") as holder,
            administration(ground, "ledger") as connection,
            holder.transaction(),
        ):
            holder.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(seals))
            session = met(ground, connection, ROLE, lambda s: s.wait == "relation", WAIT_SECONDS)
            pid = process_of(ground, ROLE, session)
            ground.note("stopped between signing and storing", session=session.pid)
            os.kill(pid, signal.SIGSTOP)
        harm(ground, pid)

    return strike


KINDS = (
    Kind("kill a sealer between signing and storing", between_signing_and_storing(kill)),
    Kind("pause a sealer between signing and storing", between_signing_and_storing(sleep_long)),
)
"""The kinds of this module."""
