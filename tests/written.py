"""A ledger over real PostgreSQL, with few words for what tests submit."""

from dataclasses import replace
from uuid import UUID, uuid4

from application.commands import Answer, Command, Outcome, Submission
from application.ledger import Ledger
from domain.identifiers import PaymentId, WalletId, key_stream, payment_id, wallet_id
from domain.money import Currencies
from domain.payments import WEEK, MakePayment, transfer_money
from domain.refunds import RefundPayment, ReversePayment
from domain.wallet_rules import ChangeOverdraftLimit, FreezeWallet, OpenWallet
from domain.wallets import Caller
from infrastructure.ledger_store.opening import open_ledger
from infrastructure.ledger_store.store import PostgresLedgerStore
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings

OPERATOR = Caller("usr_operator", "tests", operate=True)


class Written:
    """One writer of a ledger: its own connection, its own batches."""

    def __init__(self, settings: Settings, secrets: Secrets, port: int | None = None) -> None:
        """Open the ledger, through another port of the database where one is given."""
        if port is not None:
            settings = replace(settings, database_port=port)
        self.faults: list[Exception] = []
        self.ledger: Ledger
        self.store: PostgresLedgerStore
        self.ledger, self.store = open_ledger(settings, secrets, Currencies({}), self.faults.append)

    def opening(
        self, key: str | None = None, by: Caller = OPERATOR, **fields: object
    ) -> Submission:
        """Return the opening of a personal wallet in EUR, but for the fields given."""
        stream = self.stream(key)
        known = {
            "kind": "personal",
            "account_class": "liability",
            "name": "Everyday",
            "reference": None,
            "currency": "EUR",
            "overdraft_limit": 0,
        }
        command = OpenWallet(wallet_id=wallet_id(stream), **{**known, **fields})  # type: ignore[arg-type]  # fields by name
        return self.submission(command, stream, by)

    def transfer(
        self,
        source: WalletId,
        destination: WalletId,
        amount: int,
        key: str | None = None,
        by: Caller = OPERATOR,
    ) -> Submission:
        """Return a transfer in EUR."""
        stream = self.stream(key)
        command = transfer_money(
            payment_id=payment_id(stream),
            source_wallet_id=source,
            destination_wallet_id=destination,
            amount=amount,
            currency="EUR",
        )
        return self.submission(command, stream, by)

    def holding(
        self,
        source: WalletId,
        destination: WalletId,
        amount: int,
        by: Caller = OPERATOR,
        expires_in: int = WEEK,
    ) -> Submission:
        """Return a hold in EUR."""
        work = self.transfer(source, destination, amount, by=by)
        assert isinstance(work.command, MakePayment)
        return replace(work, command=replace(work.command, kind="hold", expires_in=expires_in))

    def refunding(
        self, payment: PaymentId, amount: int | None, by: Caller = OPERATOR
    ) -> Submission:
        """Return a refund."""
        stream = self.stream(None)
        command = RefundPayment(payment_id(stream), payment, amount, None)
        return self.submission(command, stream, by)

    def reversing(self, payment: PaymentId) -> Submission:
        """Return a reversal."""
        stream = self.stream(None)
        command = ReversePayment(payment_id(stream), payment, "asked by a test")
        return self.submission(command, stream)

    def freeze(self, wallet: WalletId, key: str | None = None) -> Submission:
        """Return a freeze."""
        return self.submission(FreezeWallet(wallet, "asked by a test"), self.stream(key))

    def limit(self, wallet: WalletId, overdraft_limit: int) -> Submission:
        """Return the change of a limit, which has no key: its stream is made on arrival."""
        command = ChangeOverdraftLimit(wallet, overdraft_limit, "asked by a test")
        return self.submission(command, uuid4())

    def asking(self, command: Command, by: Caller = OPERATOR) -> Submission:
        """Return a command with a new key."""
        return self.submission(command, self.stream(None), by)

    def submission(self, command: Command, stream: UUID, by: Caller = OPERATOR) -> Submission:
        """Return a command whose fingerprint is its content."""
        return Submission(command, by, stream, repr(command))

    def stream(self, key: str | None) -> UUID:
        """Return the stream of a key, or of a new one."""
        return key_stream("main", "tests", OPERATOR.subject, key or uuid4().hex)

    def one(self, work: Submission) -> Outcome:
        """Execute one command alone."""
        (outcome,) = self.ledger.execute([work])
        return outcome

    def open(self, key: str | None = None, by: Caller = OPERATOR, **fields: object) -> WalletId:
        """Open a wallet and return its id."""
        work = self.opening(key, by, **fields)
        assert isinstance(self.one(work), Answer)
        return wallet_id(work.stream)

    def pay(self, source: WalletId, destination: WalletId, amount: int) -> Outcome:
        """Pay with a new key."""
        return self.one(self.transfer(source, destination, amount))

    def close(self) -> None:
        """Close the connection."""
        self.store.close()
