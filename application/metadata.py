"""What is written beside the events of a command: whose it is, and how to answer it again."""

from application.commands import Submission
from domain.events import Side
from domain.exchanges import ExchangeMoney
from domain.identifiers import operation_id, request_id
from domain.operations import RecordOperation
from domain.payment_requests import AcceptPaymentRequest, RequestPayment
from domain.payments import MakePayment
from domain.periods import ClosePeriod
from domain.recorded import Actor, EventMetadata
from domain.refunds import RefundPayment, ReversePayment
from domain.schedules import CreateSchedule
from domain.wallet_rules import OpenWallet

PAYING = (MakePayment, ExchangeMoney, AcceptPaymentRequest)
"""The commands whose key begins a payment of money that was not there before."""

ANSWER_VERSION = 1
"""The newest renderer of answers; what is stored names its own, and old ones stay."""


def command_id(work: Submission) -> str:
    """Return the id of a command: that of the stream which its key begins."""
    if isinstance(work.command, PAYING):
        return work.command.payment_id
    if isinstance(work.command, RefundPayment):
        return work.command.refund_payment_id
    if isinstance(work.command, ReversePayment):
        return work.command.reversal_payment_id
    if isinstance(work.command, OpenWallet):
        return work.command.wallet_id
    if isinstance(work.command, RequestPayment):
        return work.command.payment_request_id
    if isinstance(work.command, CreateSchedule):
        return work.command.schedule_id
    if isinstance(work.command, ClosePeriod | RecordOperation):
        return operation_id(work.stream)
    return request_id(work.stream)


def first_metadata(
    work: Submission, right: Side, name: str, index: int, count: int
) -> EventMetadata:
    """Return the metadata of the event that keeps a key's answer."""
    return EventMetadata(
        command_id=name,
        index=index,
        count=count,
        actor=Actor(work.caller.subject, work.caller.client_id, right),
        answer_version=ANSWER_VERSION,
        fingerprint=work.fingerprint,
        traceparent=work.traceparent,
    )
