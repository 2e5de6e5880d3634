"""The name of a sealed log: one for each ledger and epoch, since each is a history of its own."""

from infrastructure.settings import Settings

LEDGER_WORD = "LEDGER"
FIRST_LEDGER = "main"


def seal_origin(settings: Settings, epoch: int) -> str:
    """Return the origin of the log of the settings' ledger in an epoch.

    Where the setting does not say LEDGER and a process serves every ledger, those beside the
    first one have their name behind it: two logs never share an origin.
    """
    origin = settings.seal_origin.replace(LEDGER_WORD, settings.ledger)
    shared = LEDGER_WORD not in settings.seal_origin and not settings.pinned
    if shared and settings.ledger != FIRST_LEDGER:
        origin = f"{origin}/{settings.ledger}"
    return origin if epoch == 1 else f"{origin}/{epoch}"
