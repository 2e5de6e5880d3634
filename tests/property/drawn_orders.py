"""Draws everything about schedules and payment requests, and some of what gets in their way."""

from collections.abc import Mapping

from hypothesis import strategies as st

from application.commands import Submission, Work
from domain.identifiers import PaymentRequestId
from domain.payment_requests import CancelPaymentRequest, DeclinePaymentRequest
from domain.wallet_rules import CloseWallet
from tests.property.cast import ANNA, BEN, CARL, OPERATOR, PER_PAYMENT, THRESHOLD
from tests.property.dealing import Dealer, Wish
from tests.property.drawn_payment_requests import ASKINGS
from tests.property.drawn_refused_schedules import REFUSED_SCHEDULES
from tests.property.drawn_requests import MAKERS, Requests
from tests.property.drawn_schedules import SCHEDULES, SET_UP
from tests.property.model_schedules import GIVEN_UP, SKIPPED_LATER
from tests.property.sender import WEEK
from tests.property.sent_orders import accepting, asking, scheduling

BESIDE = (
    *("plain", "repeat", "other content", "on a wallet", "overdraft", "limits", "approvals"),
    *("approve", "reject"),
)
"""What is drawn as for all other commands, so that the wallets change."""

WISHES: dict[str, Wish] = {
    **{name: MAKERS[name] for name in BESIDE},
    **ASKINGS,
    **SCHEDULES,
    **REFUSED_SCHEDULES,
}

OUTCOMES = (
    *("paid", "waits", "postponed", "skipped", SKIPPED_LATER),
    *(
        f"{GIVEN_UP}{code}"
        for code in (
            *("insufficient-funds", "role-missing", "wallet-frozen", "wallet-closed"),
            *("payee-unavailable", "limit-exceeded", "balance-out-of-range"),
        )
    ),
)
"""What can come of a date."""

LEAST: dict[str, float] = dict.fromkeys(
    (
        *("done", "repeat", "key-reused"),
        *("request-not-found", "schedule-not-found", "not-found", "not-payee"),
        *("role-missing: request", "role-missing: schedule"),
        *("closed: accepted", "closed: declined", "closed: cancelled", "closed: expired"),
        *("insufficient-funds", "limit-exceeded", "wallet-frozen", "wallet-closed"),
        *("same-wallet", "payee-unavailable", "balance-out-of-range", "currency-mismatch"),
        *("nothing-to-do", "field-invalid"),
        *OUTCOMES,
    ),
    0.01,
)
"""Each way in which these commands end: at least one in a hundred."""

HARDER = {
    "limit-exceeded": 1.6,
    "insufficient-funds": 1.3,
    f"{GIVEN_UP}insufficient-funds": 2.0,
    f"{GIVEN_UP}role-missing": 1.3,
    SKIPPED_LATER: 3.0,
}
"""What is drawn for more often than it is reached, as it takes some requests to get there."""


class Orders(Requests):
    """Draws works for a model, in which some of each kind of order are there from the beginning."""

    def _dealt(self) -> tuple[Mapping[str, Wish], Dealer]:
        shares = {end: LEAST[end] * HARDER.get(end, 1.0) for end in LEAST if end != "done"}
        return WISHES, Dealer(WISHES, shares)

    def draw(self, data: st.DataObject) -> Work:
        """Draw a command; dry runs and batches have payments only."""
        return self.draw_submission(data)

    def _held(self) -> list[Work]:
        wallets = [self.open("leaving", BEN), self.open("gone", ANNA)]
        rule = "FREQ=DAILY;INTERVAL=2"
        schedules: list[Submission] = [
            scheduling(self, ANNA, "rich", "leaving", 1, rule),
            scheduling(self, ANNA, "gone", "shop", 1, rule),
            scheduling(self, CARL, "household", "shop", THRESHOLD + 1, rule),
            scheduling(self, ANNA, "frozen", "shop", 1, rule),
            scheduling(self, OPERATOR, "bank", "full", 1, rule),
            scheduling(self, ANNA, "limited", "shop", PER_PAYMENT + 1, rule),
            scheduling(self, ANNA, "poor", "shop", 6),
            scheduling(self, ANNA, "rich", "shop", 1, skips=True),
            *(scheduling(self, ANNA, "poor", "shop", 7 + n, skips=True) for n in range(3)),
            scheduling(self, ANNA, "rich", "theirs", 1, "FREQ=MONTHLY;BYMONTHDAY=-1"),
        ]
        assert len(schedules) == SET_UP
        asked = [
            asking(self, BEN, "leaving", 1, None, 4 * WEEK),
            asking(self, BEN, "full", 1, None, 4 * WEEK),
            *(asking(self, BEN, "shop", 3 + number) for number in range(3)),
            asking(self, BEN, "shop", 2, None, 1),
        ]
        return [*wallets, *schedules, *asked]

    def endings(self) -> list[Work]:
        """Return what closes wallets that money was to go through, and ends some requests."""
        names = [PaymentRequestId(name) for name in self.model.book.askings]
        accepted, declined, cancelled = names[2:5]
        return [
            self.submit(BEN, CloseWallet(self.names["leaving"], "moved")),
            self.submit(ANNA, CloseWallet(self.names["gone"], "moved")),
            accepting(self, ANNA, accepted, "rich"),
            self.submit(ANNA, DeclinePaymentRequest(declined)),
            self.submit(BEN, CancelPaymentRequest(cancelled)),
        ]
