"""Refuses reports on a currency that the ledger does not count in."""

from domain.money import Currencies, CurrencyUnknown
from interfaces.http.problems import Problem


def require_known(currencies: Currencies, currency: str | None) -> None:
    """Raise `Problem` 422 where a currency is asked for that is not known."""
    if currency is None:
        return
    try:
        currencies.digits(currency)
    except CurrencyUnknown as unknown:
        errors = [{"detail": str(unknown), "parameter": "currency"}]
        raise Problem(
            "invalid-request", "The query is not as it should be.", errors=errors
        ) from None
