"""The read models that a projector keeps."""

from projections.balances import BALANCES
from projections.contract import Projection
from projections.daily_totals import DAILY_TOTALS
from projections.entries import ENTRIES
from projections.members import MEMBERS
from projections.payments import PAYMENTS
from projections.trial_balance import TRIAL_BALANCE

CATALOGUE: tuple[Projection, ...] = (
    *(BALANCES, MEMBERS, ENTRIES, PAYMENTS, DAILY_TOTALS, TRIAL_BALANCE),
)
