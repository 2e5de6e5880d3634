"""`./falcon run`: roles in the foreground, as containers and the supervisor start them."""

from typing import Annotated

import typer


def command(
    roles: Annotated[
        str,
        typer.Argument(
            metavar="ROLE[,ROLE...]",
            envvar="FALCONPAY_ROLES",
            help="command-api, query-api, identity-api, relay, projector, payments, sealer,"
            " demo or migrate.",
        ),
    ],
) -> None:
    """Run roles in the foreground until SIGTERM, as containers do.

    Roles that follow the ledger may share a process; an API has one of its own. `migrate` makes
    the databases with the login in FALCONPAY_DATABASE, or checks them without it, and ends.
    """
    from interfaces.cli.parent import end_with_supervisor
    from interfaces.cli.roles import parse_roles, run_roles

    supervised = end_with_supervisor()
    run_roles(parse_roles(roles), supervised)
