"""The settings of a command that works on one ledger, which an option may name."""

import os

from infrastructure.settings import Settings, read_settings


def settings_of(ledger: str | None) -> Settings:
    """Return the settings, of another ledger where one is named; raises `SettingInvalid`."""
    chosen = {} if ledger is None else {"FALCONPAY_LEDGER": ledger}
    return read_settings({**os.environ, **chosen})
