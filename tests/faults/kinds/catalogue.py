"""All kinds of faults that a campaign draws from."""

from tests.faults.kinds import Kind

KINDS: tuple[Kind, ...] = ()
