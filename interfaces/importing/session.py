"""Puts an import together: file, profile and ledger in, a report out."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import psycopg

from application.ports import LedgerStore, StoreUnavailable
from domain.identifiers import WalletId
from domain.money import Currencies
from infrastructure.databases.migrate import check
from infrastructure.event_log.currencies import stored_currencies
from infrastructure.ledger_store.opening import connector, open_ledger
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.importing.balances import Account, FileBalances
from interfaces.importing.order import BadLineFound, Survey, days, survey
from interfaces.importing.report import Report
from interfaces.importing.rows import Profile
from interfaces.importing.run import BATCH, Import, ImportStopped, OtherTerms
from interfaces.importing.source import read_rows
from interfaces.importing.submissions import Submissions


@dataclass(frozen=True, slots=True)
class Terms:
    """What a person chose for one import."""

    overdraft: bool
    skip_bad: bool


@dataclass(frozen=True, slots=True)
class Steps:
    """Who is told of the progress: first how many rows there are, then how many are done."""

    begin: Callable[[int], None]
    advance: Callable[[int], None]


def import_file(
    path: Path, profile: Profile, settings: Settings, secrets: Secrets, terms: Terms, steps: Steps
) -> Report:
    """Import a file and compare the wallets with its balances.

    Raises `FileUnfit`. A run that ends early is a report, too; the same call goes on from there.
    """
    begun = time.monotonic()
    seen = survey(read_rows(path, profile))
    steps.begin(seen.rows)
    faults: list[Exception] = []
    # The amounts of an import are in minor units already, whatever their currency.
    ledger, store = open_ledger(settings, secrets, Currencies({}), faults.append)
    submissions = Submissions(settings.ledger, profile.name, None if terms.overdraft else 0)
    balances = FileBalances(profile.rounding)
    run = Import(ledger, submissions, balances, skip_bad=terms.skip_bad, progress=steps.advance)
    differences = None
    try:
        stopped, code = _run(run, path, profile, seen, terms, faults)
        if stopped is None:
            posted = _posted(store, submissions, balances.accounts())
            differences = balances.differences(posted, run.tally.accepted_minor)
    except StoreUnavailable:
        stopped, code = "All rows are in, but the database went away before they were compared.", 3
    finally:
        store.close()
    return Report(
        rows=seen.rows,
        tally=run.tally,
        accounts=submissions.accounts(),
        bad=sorted([*seen.bad, *run.tally.bad], key=lambda bad: bad.line) if terms.skip_bad else [],
        differences=differences,
        seconds=time.monotonic() - begun,
        stopped=stopped,
        exit_code=code,
    )


def known_currencies(settings: Settings, secrets: Secrets) -> Currencies:
    """Return the ledger's currencies, which shows that its database answers and is of this version.

    Raises `SecretMissing`, `MigrationRefused` and `psycopg.OperationalError`.
    """
    with connector(settings, secrets)() as connection:
        check(connection, settings, "ledger")
        return stored_currencies(connection)


def _run(
    run: Import,
    path: Path,
    profile: Profile,
    seen: Survey,
    terms: Terms,
    faults: Sequence[Exception],
) -> tuple[str | None, int]:
    """Return why the run ended before the file did, and the exit code."""
    try:
        run.run(days(lambda: read_rows(path, profile), seen, terms.skip_bad))
    except BadLineFound as found:
        sentence = (
            f"{found} The import stopped there and what was before stays: mend the line and run"
            " the same command again, or leave such lines out by --skip-bad."
        )
        return sentence, 1
    except OtherTerms as other:
        return str(other), 2
    except ImportStopped as stop:
        return _why(stop, faults), 3
    except KeyboardInterrupt:
        return "Stopped: the same command goes on from here.", 1
    return None, 0


def _why(stop: ImportStopped, faults: Sequence[Exception]) -> str:
    if any(isinstance(fault.__cause__, psycopg.errors.DiskFull) for fault in faults):
        return (
            "The database server's disk is full: make room, then run the same command again,"
            " which goes on from here."
        )
    cause = f" ({str(faults[-1]).splitlines()[0]})" if faults and str(faults[-1]) else ""
    return f"{stop}{cause}"


def _posted(
    store: LedgerStore, submissions: Submissions, accounts: Sequence[Account]
) -> Mapping[Account, int]:
    """Return the wallets' balances, a few at a time as a look at them locks them."""
    wanted: dict[WalletId, Account] = {submissions.account(*each): each for each in accounts}
    posted: dict[Account, int] = {}
    left = iter(wanted)
    while chunk := list(islice(left, BATCH)):
        wallets = store.load(chunk, []).wallets
        store.release()
        posted.update({wanted[name]: wallet.posted for name, wallet in wallets.items()})
    return posted
