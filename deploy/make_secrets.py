"""Writes the passwords that docker-compose.yml asks for into `.env`, once, readable by its owner.

Run it as `python3 deploy/make_secrets.py` before the first `docker compose up`.
"""

import os
import secrets
import sys
from pathlib import Path

ENV_FILE = Path(__file__).parents[1] / ".env"

NAMES = (
    "FALCONPAY_POSTGRES_PASSWORD",
    "FALCONPAY_SECRET_CURSOR_MAC",
    "FALCONPAY_SECRET_DB_ACCESSLOG",
    "FALCONPAY_SECRET_DB_ARCHIVER",
    "FALCONPAY_SECRET_DB_AUDIT",
    "FALCONPAY_SECRET_DB_COMMAND",
    "FALCONPAY_SECRET_DB_IDENTITY",
    "FALCONPAY_SECRET_DB_PROJECTOR",
    "FALCONPAY_SECRET_DB_QUERY",
    "FALCONPAY_SECRET_DB_READER",
    "FALCONPAY_SECRET_DB_RELAY",
    "FALCONPAY_SECRET_DB_SEALER",
    "FALCONPAY_SECRET_KAFKA_MAC",
)
"""What docker-compose.yml requires; each gets 192 random bits, safe in a URL."""


def make_secrets(path: Path) -> None:
    """Write the file with mode 0600; raises `FileExistsError` rather than change a password."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.writelines(f"{name}={secrets.token_urlsafe(24)}\n" for name in NAMES)


if __name__ == "__main__":
    try:
        make_secrets(ENV_FILE)
    except FileExistsError:
        sys.stderr.write(f"{ENV_FILE} is there already and stays as it is.\n")
        sys.exit(1)
