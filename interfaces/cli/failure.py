"""How a command ends otherwise than well: a sentence for the person, a code for the script."""

import sys

CHECK_FAILED = 1
WRONG_USAGE = 2
DEPENDENCY_MISSING = 3

# Refusals of other layers; each message is one sentence with the remedy. They are named instead
# of imported, so that a command which never reaches a layer does not wait for its import.
KNOWN: dict[tuple[str, str], int] = {
    ("infrastructure.settings", "SettingInvalid"): WRONG_USAGE,
    ("infrastructure.secrets", "SecretMissing"): DEPENDENCY_MISSING,
    ("infrastructure.secrets", "SecretFixed"): WRONG_USAGE,
    ("application.sealing", "SealingRefused"): CHECK_FAILED,
    ("infrastructure.archive.failure", "ArchiveAway"): DEPENDENCY_MISSING,
    ("infrastructure.archive.failure", "ArchiveDamaged"): CHECK_FAILED,
    ("infrastructure.archive.failure", "NoArchive"): WRONG_USAGE,
    ("interfaces.replay.topic", "TopicAway"): DEPENDENCY_MISSING,
    ("infrastructure.embedded.server", "ServerUnavailable"): DEPENDENCY_MISSING,
    ("infrastructure.databases.provision", "ProvisioningRefused"): DEPENDENCY_MISSING,
    ("infrastructure.databases.migrate", "MigrationRefused"): DEPENDENCY_MISSING,
    ("interfaces.http.serve", "PortOccupied"): DEPENDENCY_MISSING,
    ("interfaces.supervisor.failure", "StartRefused"): DEPENDENCY_MISSING,
}


class Failure(Exception):
    """A command cannot go on; the message is one sentence with the remedy."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        """Take what to say and how to end: 1 a check failed, 2 wrong usage, 3 something missing."""
        super().__init__(sentence)
        self.exit_code = exit_code


def known_failure(problem: BaseException) -> Failure | None:
    """Return how to end after a problem that is foreseen, or None for any other."""
    if isinstance(problem, Failure):
        return problem
    for (module, name), code in KNOWN.items():
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(problem, kind):
            return Failure(str(problem), code)
    away = getattr(sys.modules.get("psycopg"), "OperationalError", None)
    if away is not None and isinstance(problem, away):
        return Failure(
            "The database does not answer: look at ./falcon status, or start it by ./falcon up.",
            DEPENDENCY_MISSING,
        )
    return None
