"""The caller is what remains of an access token once it has been believed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: issuer and subject name the person, the client acts for them in one ledger."""

    iss: str
    sub: str
    client_id: str
    scopes: frozenset[str]
    ledger: str

    def has(self, scope: str) -> bool:
        """Tell whether the token grants a scope."""
        return scope in self.scopes
