"""Every code an answer can bear, with its status and title: the one place where they meet."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem after RFC 9457: what never changes from one occurrence to the next."""

    code: str
    status: int
    title: str
    explanation: str


_REQUEST = (
    (
        "bad-request",
        400,
        "Bad request",
        "The request breaks a rule of HTTP, or bears two Authorization headers.",
    ),
    (
        "idempotency-key-required",
        400,
        "Idempotency key required",
        "Send an Idempotency-Key header of 1 to 255 visible ASCII characters.",
    ),
    (
        "unauthenticated",
        401,
        "Valid token required",
        "Send one header `Authorization: Bearer TOKEN` with a token that is still valid.",
    ),
    ("scope-missing", 403, "Scope missing", "The token does not grant the scope that this needs."),
    ("not-found", 404, "Not found", "There is nothing under this path."),
    ("method-not-allowed", 405, "Method not allowed", "Use one of the methods in `Allow`."),
    ("request-timeout", 408, "Request time-out", "The whole request must arrive in time."),
    ("body-too-large", 413, "Body too large", "A body has 1 MiB at most."),
    ("uri-too-long", 414, "Address too long", "Shorten the path or the query."),
    (
        "unsupported-media-type",
        415,
        "Unsupported media type",
        "Send the body as `application/json` in UTF-8, not compressed.",
    ),
    (
        "malformed-json",
        422,
        "Malformed JSON",
        "The body is not JSON, or an object in it has the same key twice.",
    ),
    (
        "invalid-request",
        422,
        "Invalid request",
        "A field or query parameter is missing, unknown or wrong; `errors` names each one.",
    ),
    (
        "invalid-cursor",
        422,
        "Invalid cursor",
        "Use a cursor only for the list, caller and filters that it was given for.",
    ),
    (
        "period-too-long",
        422,
        "Period too long",
        "A report of a wallet adds up 50,000 movements at most; ask for a shorter period.",
    ),
    ("rate-limited", 429, "Too many requests", "Wait for as long as Retry-After says."),
    ("headers-too-large", 431, "Headers too large", "Send fewer or shorter headers."),
)

_SERVICE = (
    ("internal-error", 500, "Internal error", "A fault of the service; the same key is safe."),
    (
        "service-unavailable",
        503,
        "Service unavailable",
        "A service behind this one is away or too slow; try again with the same key.",
    ),
    ("not-ready", 503, "Not ready", "The role is starting, stopping or misses a dependency."),
    ("overloaded", 503, "Overloaded", "Too many commands wait; try again with the same key."),
    ("clock-unsure", 503, "Clock unsure", "The server's clock has jumped; try again later."),
    (
        "read-model-behind",
        503,
        "Read model behind",
        "What is asked for has not reached the read model within 2 seconds; try again.",
    ),
)

_KEYS_AND_RIGHTS = (
    (
        "request-in-progress",
        409,
        "Request in progress",
        "A request with the same key is still running; try again for its answer.",
    ),
    (
        "idempotency-key-reused",
        422,
        "Idempotency key reused",
        "The key belongs to another request of this caller; make a new key.",
    ),
    ("not-sealed-yet", 409, "Not sealed yet", "The events wait for the next seal; try again."),
    ("role-missing", 403, "Role missing", "The caller is a member without the right to do this."),
    ("not-payee", 403, "Not the payee", "Only the payee's side may do this."),
    ("wallet-not-found", 404, "Wallet not found", "No such wallet, or it is somebody else's."),
    ("member-not-found", 404, "Member not found", "The user has no role in this wallet."),
    ("payment-not-found", 404, "Payment not found", "No such payment, or it is somebody else's."),
    ("schedule-not-found", 404, "Schedule not found", "No such schedule, or somebody else's."),
    ("request-not-found", 404, "Request not found", "No such payment request, or not for you."),
)

_MONEY = (
    ("insufficient-funds", "Insufficient funds", "`available` says what the wallet can spend."),
    ("payee-unavailable", "Payee unavailable", "The wallet to be paid takes no money now."),
    ("balance-out-of-range", "Balance out of range", "A balance has 9 * 10^18 units at most."),
    ("currency-mismatch", "Currency mismatch", "A wallet holds one currency only."),
    ("same-wallet", "Same wallet", "Source and destination must differ."),
    ("wallet-frozen", "Wallet frozen", "Unfreeze the wallet first."),
    ("wallet-closed", "Wallet closed", "A closed wallet stays closed."),
    ("wallet-not-empty", "Wallet not empty", "Bring balance and holds to zero first."),
    ("limit-exceeded", "Limit exceeded", "The payment passes a limit of its source wallet."),
    ("last-owner", "Last owner", "A wallet keeps one owner at least."),
    ("wallet-not-shared", "Wallet not shared", "Only shared wallets have members, approvals."),
    ("period-closed", "Period closed", "Give a value date after the last closed day."),
    ("period-not-over", "Period not over", "Only days that have ended in UTC can be closed."),
    ("overdraft-in-use", "Overdraft in use", "The wallet is already further below zero."),
    ("batch-refused", "Batch refused", "One transfer was refused, so none was made."),
    ("not-executed", "Not executed", "Another transfer of the same batch was refused."),
)

_PAYMENTS = (
    ("hold-expired", "Hold expired", "The hold has ended."),
    ("hold-already-released", "Hold already released", "The money is free again."),
    ("hold-already-captured", "Hold already captured", "Nothing of the hold is left."),
    ("amount-exceeds-hold", "Amount exceeds hold", "Capture at most what is left."),
    ("amount-exceeds-payment", "Amount exceeds payment", "Refund at most what is left."),
    ("already-reversed", "Already reversed", "A payment is reversed once."),
    ("already-refunded", "Already refunded", "What was refunded cannot be reversed."),
    ("not-refundable", "Not refundable", "A payment of this kind or status has no refund."),
    ("not-reversible", "Not reversible", "A payment of this kind or status has no reversal."),
    ("not-cancellable", "Not cancellable", "The payment can no longer be cancelled."),
    ("not-parked", "Not parked", "The payment does not wait for a person."),
    ("approval-not-needed", "Approval not needed", "The payment does not wait for approval."),
    ("approval-rejected", "Approval rejected", "Another owner has rejected the payment."),
    ("already-approved", "Already approved", "Each owner approves once."),
    ("request-closed", "Request closed", "The payment request has ended."),
)

KINDS: dict[str, ProblemKind] = {
    kind.code: kind
    for kind in (
        *(ProblemKind(*row) for row in (*_REQUEST, *_SERVICE, *_KEYS_AND_RIGHTS)),
        *(
            ProblemKind(code, 422, title, explanation)
            for code, title, explanation in (*_MONEY, *_PAYMENTS)
        ),
    )
}
