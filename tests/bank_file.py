"""Writes small files of bank transactions in the form of the Berka data set, and reads its end."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

HEADER = (
    '"trans_id";"account_id";"date";"type";"operation";'
    '"amount";"balance";"k_symbol";"bank";"account"'
)
CREDITS = (("VKLAD", ""), ("PREVOD Z UCTU", "DUCHOD"), ("", "UROK"))
DEBITS = (
    ("VYBER", ""),
    ("VYBER", "SLUZBY"),
    ("VYBER", "SANKC. UROK"),
    ("VYBER KARTOU", ""),
    ("PREVOD NA UCET", "SIPO"),
)


def line(
    number: int = 1,
    account: int = 7,
    day: str = "930101",
    amount: int = 100,
    balance: int = 0,
    operation: str = "VKLAD",
    symbol: str = "",
) -> str:
    """Return a line; money in minor units, an amount below zero is a debit."""
    type_name = "PRIJEM" if amount > 0 else "VYDAJ"
    return (
        f'{number};{account};{day};"{type_name}";"{operation}";{abs(amount) / 100:.2f};'
        f'{balance / 100:.2f};"{symbol}";;'
    )


@dataclass
class BankFile:
    """A file with running balances, the rows of each day in no particular order."""

    lines: list[str] = field(default_factory=list)
    balances: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    overdrawn: int = 0
    """How many rows a bank that gives no overdraft refuses, were credits to come first."""

    def write(self, path: Path) -> Path:
        """Write the file and return where it is."""
        path.write_text("\n".join([HEADER, *self.lines]) + "\n", encoding="latin-1")
        return path


def bank_file(rows: int, accounts: int = 12, days: int = 20, seed: int = 1) -> BankFile:
    """Return a file of so many rows, most of which an account can afford."""
    dice = random.Random(seed)
    file = BankFile()
    strict: dict[str, int] = defaultdict(int)
    numbers = iter(range(1, rows + 1))
    for place in range(days):
        day = f"{date(1993, 1, 1) + timedelta(days=place):%y%m%d}"
        share = rows // days if place < days - 1 else rows - rows // days * (days - 1)
        drawn = []
        for _ in range(share):
            number, account, amount = next(numbers), dice.randint(1, accounts), _amount(dice)
            file.balances[str(account)] += amount
            operation, symbol = dice.choice(CREDITS if amount > 0 else DEBITS)
            balance = file.balances[str(account)]
            text = line(number, account, day, amount, balance, operation, symbol)
            drawn.append((account, amount, text))
        dice.shuffle(drawn)
        file.lines += [text for _, _, text in drawn]
        for account, amount, _ in sorted(drawn, key=lambda row: row[1] < 0):
            if strict[str(account)] + amount < 0:
                file.overdrawn += 1
            else:
                strict[str(account)] += amount
    return file


def _amount(dice: random.Random) -> int:
    return dice.randint(1, 70_000) if dice.random() < 0.5 else -dice.randint(1, 60_000)
