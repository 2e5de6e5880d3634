"""The role `prepare`: what a start needs once, in a process whose memory is given back."""

from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.cli import migrate
from interfaces.gateway.render import render


def run(settings: Settings, secrets: Secrets) -> None:
    """Write the gateway's configuration and migrate; raises as `migrate.run` does."""
    render(settings)
    migrate.run(settings, secrets)
