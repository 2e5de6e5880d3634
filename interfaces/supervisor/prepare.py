"""The role `prepare`: what a start needs once, in a process whose memory is given back."""

from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from infrastructure.tokens.signing_keys import SigningKeys
from interfaces.cli import migrate
from interfaces.gateway.render import render


def run(settings: Settings, secrets: Secrets) -> None:
    """Make signing keys, the gateway's configuration and databases; raises as `migrate.run`."""
    SigningKeys(settings.home).ensure()
    render(settings)
    migrate.run(settings, secrets)
