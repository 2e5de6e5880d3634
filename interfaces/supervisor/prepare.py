"""The role `prepare`: what a start needs once, in a process whose memory is given back."""

from infrastructure.seals.keys import SealKeys
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from infrastructure.tokens.signing_keys import SigningKeys
from interfaces.cli import migrate
from interfaces.gateway.render import render


def run(settings: Settings, secrets: Secrets) -> None:
    """Make keys, the gateway's configuration and databases; raises as `migrate.run`."""
    SigningKeys(settings.home).ensure()
    # Reports of replays are signed with it, also before there is anything to seal.
    SealKeys(settings.home).read_or_create()
    render(settings)
    migrate.run(settings, secrets)
