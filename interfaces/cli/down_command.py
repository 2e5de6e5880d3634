"""`./falcon down`: a clean stop, also of what a killed supervisor left behind."""

import typer


def command() -> None:
    """Stop the whole system cleanly."""
    from infrastructure.settings import read_settings
    from interfaces.supervisor.stop import stop_home

    typer.echo(stop_home(read_settings()))
