"""What the outside can reach: each path, its methods, and the service that answers them.

The list is closed, so that a route becomes public because somebody wrote it here, never by chance.
"""

from dataclasses import dataclass

COMMAND, QUERY, IDENTITY = "command", "query", "identity"


@dataclass(frozen=True, slots=True)
class Exposed:
    """One path of one service; `{name}` stands for one step, a final `*` for any rest."""

    service: str
    method: str
    path: str
    needs_token: bool = True
    served_as: str | None = None
    """The path that the service knows it by, where that is another one."""

    endless: bool = False
    """Whether the answer goes on for as long as its client likes."""


def _open(path: str, served_as: str | None = None) -> Exposed:
    return Exposed(IDENTITY, "GET", path, needs_token=False, served_as=served_as)


EXPOSED = (
    _open("/.well-known/jwks.json"),
    _open("/openapi.json", served_as="/openapi/all.json"),
    _open("/docs"),
    _open("/docs/*"),
    Exposed(COMMAND, "POST", "/v1/wallets"),
    Exposed(COMMAND, "POST", "/v1/wallets/{wallet_id}/freeze"),
    Exposed(COMMAND, "POST", "/v1/wallets/{wallet_id}/unfreeze"),
    Exposed(COMMAND, "POST", "/v1/wallets/{wallet_id}/close"),
    Exposed(COMMAND, "POST", "/v1/wallets/{wallet_id}/members"),
    Exposed(COMMAND, "DELETE", "/v1/wallets/{wallet_id}/members/{user_id}"),
    Exposed(COMMAND, "PUT", "/v1/wallets/{wallet_id}/limits"),
    Exposed(COMMAND, "PUT", "/v1/wallets/{wallet_id}/overdraft"),
    Exposed(COMMAND, "PUT", "/v1/wallets/{wallet_id}/approvals"),
    Exposed(COMMAND, "POST", "/v1/transfers"),
    Exposed(COMMAND, "POST", "/v1/transfers/batch"),
    Exposed(COMMAND, "POST", "/v1/holds"),
    Exposed(COMMAND, "POST", "/v1/holds/{payment_id}/capture"),
    Exposed(COMMAND, "POST", "/v1/holds/{payment_id}/release"),
    Exposed(COMMAND, "POST", "/v1/holds/{payment_id}/increase"),
    Exposed(COMMAND, "POST", "/v1/payments"),
    Exposed(COMMAND, "POST", "/v1/payments/{payment_id}/refund"),
    Exposed(COMMAND, "POST", "/v1/payments/{payment_id}/reverse"),
    Exposed(COMMAND, "POST", "/v1/payments/{payment_id}/approve"),
    Exposed(COMMAND, "POST", "/v1/payments/{payment_id}/reject"),
    Exposed(COMMAND, "POST", "/v1/exchanges"),
    Exposed(COMMAND, "POST", "/v1/payment-requests"),
    Exposed(COMMAND, "POST", "/v1/payment-requests/{request_id}/accept"),
    Exposed(COMMAND, "POST", "/v1/payment-requests/{request_id}/decline"),
    Exposed(COMMAND, "POST", "/v1/payment-requests/{request_id}/cancel"),
    Exposed(COMMAND, "POST", "/v1/schedules"),
    Exposed(COMMAND, "POST", "/v1/schedules/{schedule_id}/pause"),
    Exposed(COMMAND, "POST", "/v1/schedules/{schedule_id}/resume"),
    Exposed(COMMAND, "DELETE", "/v1/schedules/{schedule_id}"),
    Exposed(COMMAND, "POST", "/v1/operations/periods/close"),
    Exposed(QUERY, "GET", "/v1/wallets"),
    Exposed(QUERY, "GET", "/v1/wallets/{wallet_id}"),
    Exposed(QUERY, "GET", "/v1/wallets/{wallet_id}/balance"),
    Exposed(QUERY, "GET", "/v1/wallets/{wallet_id}/entries"),
    Exposed(QUERY, "GET", "/v1/wallets/{wallet_id}/statement"),
    Exposed(QUERY, "GET", "/v1/wallets/{wallet_id}/holds"),
    Exposed(QUERY, "GET", "/v1/wallets/{wallet_id}/counterparties"),
    Exposed(QUERY, "GET", "/v1/wallets/{wallet_id}/cash-flow"),
    Exposed(QUERY, "GET", "/v1/wallets/{wallet_id}/balance-history"),
    Exposed(QUERY, "GET", "/v1/approvals"),
    Exposed(QUERY, "GET", "/v1/payments"),
    Exposed(QUERY, "GET", "/v1/payments/{payment_id}"),
    Exposed(QUERY, "GET", "/v1/payment-requests"),
    Exposed(QUERY, "GET", "/v1/payment-requests/{request_id}"),
    Exposed(QUERY, "GET", "/v1/schedules"),
    Exposed(QUERY, "GET", "/v1/schedules/{schedule_id}"),
    Exposed(QUERY, "GET", "/v1/reports/trial-balance"),
    Exposed(QUERY, "GET", "/v1/reports/daily"),
    Exposed(QUERY, "GET", "/v1/reports/monthly"),
    Exposed(QUERY, "GET", "/v1/reports/declined"),
    Exposed(QUERY, "GET", "/v1/reports/holds"),
    Exposed(QUERY, "GET", "/v1/reports/concentration"),
    Exposed(QUERY, "GET", "/v1/audit/events"),
    Exposed(QUERY, "GET", "/v1/audit/trail"),
    Exposed(QUERY, "GET", "/v1/operations/periods"),
    Exposed(QUERY, "GET", "/v1/audit/accesses"),
    Exposed(QUERY, "GET", "/v1/audit/seals"),
    Exposed(QUERY, "GET", "/v1/audit/seals/latest"),
    Exposed(QUERY, "GET", "/v1/audit/key"),
    Exposed(QUERY, "GET", "/v1/audit/keys"),
    Exposed(QUERY, "GET", "/v1/audit/consistency"),
    Exposed(QUERY, "GET", "/v1/audit/payments/{payment_id}/proof"),
    Exposed(QUERY, "GET", "/v1/projections"),
    Exposed(QUERY, "GET", "/v1/stream", endless=True),
)
