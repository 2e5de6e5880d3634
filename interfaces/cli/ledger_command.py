"""`./falcon ledger`: more books beside the first one, each apart from the others."""

import json
from typing import Annotated

import typer

from interfaces.cli.failure import DEPENDENCY_MISSING, Failure

app = typer.Typer(
    help="Make further ledgers in this installation, and list them.", no_args_is_help=True
)
AsJson = Annotated[
    bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and dashes, at most 31.")],
    as_json: AsJson = False,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="FALCONPAY_DATABASE",
            metavar="URL",
            show_default="the server brought along",
            help="A PostgreSQL of your own, with the login that up was given;"
            " the login is used once and forgotten.",
        ),
    ] = None,
) -> None:
    """Make a ledger: an independent book with schemas, topic and read models of its own.

    A system that runs serves it within 2 seconds; one that does not has it when it is started.
    Where the ledger is there already nothing is done.
    """
    from infrastructure.databases.ledgers import of_ledger
    from infrastructure.settings import ledger_name, read_settings
    from interfaces.supervisor.making_ledgers import make

    settings = read_settings()
    made = make(of_ledger(settings, ledger_name(name, "NAME")), database)
    own = of_ledger(settings, name)
    if as_json:
        document = {
            "name": name,
            "created": made,
            "schemas": [own.ledger_schema, own.reports_schema],
            "topic": own.topic,
        }
        typer.echo(json.dumps(document, indent=2))
    elif made:
        typer.echo(
            f"The ledger {name} is there: schemas {own.ledger_schema} and {own.reports_schema},"
            f" topic {own.topic}. Use it with ./falcon token --ledger {name}."
        )
    else:
        typer.echo(f"The ledger {name} is there already.")


@app.command("list")
def list_ledgers(as_json: AsJson = False) -> None:
    """List the ledgers of the installation; ends with 3 when its database does not run."""
    import psycopg

    from infrastructure.databases.ledgers import ledger_names
    from infrastructure.databases.logins import conninfo
    from infrastructure.secrets import Secrets
    from infrastructure.settings import read_settings

    settings = read_settings()
    try:
        where = conninfo(settings, Secrets(settings.home), "reader", "ledger")
        with psycopg.connect(where) as connection:
            names = ledger_names(connection)
    except psycopg.OperationalError:
        raise Failure(
            f"The database of {settings.home} does not run: start it by ./falcon up.",
            DEPENDENCY_MISSING,
        ) from None
    if as_json:
        typer.echo(json.dumps({"ledgers": [{"name": name} for name in names]}, indent=2))
    else:
        typer.echo("\n".join(names))
