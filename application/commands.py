"""What can be submitted to the ledger, and what comes back."""

from collections.abc import Mapping
from uuid import UUID

from domain.approvals import ApprovePayment, RejectPayment
from domain.events import Event, RequestRefused
from domain.exchanges import ExchangeMoney
from domain.holds import CaptureHold, ExpirePayment, IncreaseHold, ReleaseHold
from domain.instants import Instant
from domain.occurrences import RunOccurrence
from domain.operations import RecordOperation
from domain.payment_events import PaymentDeclined
from domain.payment_requests import (
    AcceptPaymentRequest,
    CancelPaymentRequest,
    DeclinePaymentRequest,
    RequestPayment,
)
from domain.payments import MakePayment
from domain.periods import ClosePeriod
from domain.recorded import EventMetadata
from domain.refunds import RefundPayment, ReversePayment
from domain.refusals import Refusal, Rejection
from domain.schedules import CreateSchedule, DeleteSchedule, PauseSchedule, ResumeSchedule
from domain.values import dataclass
from domain.wallet_rules import (
    AddMember,
    ChangeApprovals,
    ChangeLimits,
    ChangeOverdraftLimit,
    CloseWallet,
    FreezeWallet,
    OpenWallet,
    RemoveMember,
    UnfreezeWallet,
)
from domain.wallets import Caller

WalletCommand = (
    FreezeWallet
    | UnfreezeWallet
    | CloseWallet
    | ChangeOverdraftLimit
    | ChangeLimits
    | AddMember
    | RemoveMember
    | ChangeApprovals
)
PaymentCommand = (
    CaptureHold | ReleaseHold | ExpirePayment | IncreaseHold | ApprovePayment | RejectPayment
)
PaymentRequestCommand = DeclinePaymentRequest | CancelPaymentRequest
ScheduleCommand = PauseSchedule | ResumeSchedule | DeleteSchedule
Command = (
    OpenWallet
    | WalletCommand
    | MakePayment
    | ExchangeMoney
    | PaymentCommand
    | RefundPayment
    | ReversePayment
    | RequestPayment
    | AcceptPaymentRequest
    | PaymentRequestCommand
    | CreateSchedule
    | ScheduleCommand
    | RunOccurrence
    | ClosePeriod
    | RecordOperation
)


@dataclass(frozen=True, slots=True)
class Submission:
    """A command with its caller and the stream that its idempotency key begins.

    The fingerprint tells the request's content; a `traceparent` is one of W3C Trace Context.
    `written` has the command's amounts, by their fields, that are in a currency which only the
    ledger knows: decimal strings, to be read when it is known.
    """

    command: Command
    caller: Caller
    stream: UUID
    fingerprint: str
    traceparent: str | None = None
    written: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class DryRun:
    """A payment to be decided as it would be now, of which nothing is kept."""

    command: MakePayment
    caller: Caller


@dataclass(frozen=True, slots=True)
class AtomicBatch:
    """Transfers that are done all or none; `None` stands for one that was malformed."""

    items: tuple[Submission | None, ...]


Work = Submission | DryRun | AtomicBatch


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """The event that begins a stream, with all that answering once more needs."""

    event: Event
    metadata: EventMetadata
    position: int
    recorded_at: Instant

    @property
    def last_position(self) -> int:
        """The position of the last event of the same command."""
        return self.position - self.metadata.index + self.metadata.count - 1


REFUSING = (PaymentDeclined, RequestRefused)
"""The answers on record that say no."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is on record for a key; `position` is that of the command's last event.

    `opening` is the first event of the wallet or of the payment that the answer shows, where that
    is not the answer itself.
    """

    stream: UUID
    event: Event
    position: int
    recorded_at: Instant
    answer_version: int
    replayed: bool
    opening: RecordedAnswer | None = None

    @property
    def refused(self) -> bool:
        """Whether the ledger's refusal is what is on record."""
        return isinstance(self.event, REFUSING)


@dataclass(frozen=True, slots=True)
class WouldComplete:
    """A dry run's good end; `decided_at` is when it was decided."""

    command: MakePayment
    decided_at: Instant


@dataclass(frozen=True, slots=True)
class NotExecuted:
    """An item that would have passed in a batch that was refused."""


ItemOutcome = Answer | Rejection | Refusal | NotExecuted | None


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """The end of an atomic batch, item by item in their order."""

    refused: bool
    results: tuple[ItemOutcome, ...]


class Unanswered(Exception):
    """No decision is known; with the same key the command may be sent again at any time."""

    code = "unavailable"


class Overloaded(Unanswered):
    """The queue is full, or the command waited in it past its deadline; nothing was done."""

    code = "overloaded"


class ClockUnsure(Unanswered):
    """The database's clock has jumped and is not trusted yet; nothing was done."""

    code = "clock-unsure"


class Unavailable(Unanswered):
    """The database did not answer in time; whether the command was done is unknown."""


class Defect(Exception):
    """Deciding or storing one command fails again and again; nothing was done."""


Outcome = Answer | WouldComplete | BatchOutcome | Rejection | Refusal | Unanswered | Defect
