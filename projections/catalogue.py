"""The read models that a projector keeps."""

from projections.audit_trail import AUDIT_TRAIL
from projections.balances import BALANCES
from projections.contract import Projection
from projections.daily_totals import DAILY_TOTALS
from projections.declines import DECLINES
from projections.entries import ENTRIES
from projections.members import MEMBERS
from projections.payment_requests import PAYMENT_REQUESTS
from projections.payments import PAYMENTS
from projections.schedules import SCHEDULES
from projections.trial_balance import TRIAL_BALANCE
from projections.value_dates import VALUE_DATES

CATALOGUE: tuple[Projection, ...] = (
    *(BALANCES, MEMBERS, ENTRIES, PAYMENTS, PAYMENT_REQUESTS, SCHEDULES, DAILY_TOTALS),
    *(TRIAL_BALANCE, VALUE_DATES, DECLINES, AUDIT_TRAIL),
)
