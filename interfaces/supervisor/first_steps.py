"""What a person reads when the system is ready: where it is, and five requests to try."""

from infrastructure.settings import Settings
from interfaces.supervisor.probes import reachable

STEPS = """\
FalconPay is ready.

  all in one   {gateway}   (documentation of each API at its /docs)
  commands     {command}
  queries      {query}
  identity     {identity}
  home         {home}

A token for the first hour, and the first steps:

  TOKEN={token}
  post() {{ curl -s {gateway}/v1/$1 -H "Authorization: Bearer $TOKEN" \
-H 'Content-Type: application/json' -H "Idempotency-Key: $2" -d "$3"; }}
  CASH=$(post wallets first-1 '{{"name": "Cash", "currency": "EUR", "kind": "system", \
"overdraft_limit": "unlimited"}}' | grep -o 'wal_[0-9A-Z]*' | head -1)
  MINE=$(post wallets first-2 '{{"name": "Mine", "currency": "EUR"}}' \
| grep -o 'wal_[0-9A-Z]*' | head -1)
  post transfers first-3 "{{\\"source_wallet_id\\": \\"$CASH\\", \
\\"destination_wallet_id\\": \\"$MINE\\", \\"amount\\": \\"25.00\\", \\"currency\\": \\"EUR\\"}}"
  curl -s {gateway}/v1/wallets/$MINE/balance -H "Authorization: Bearer $TOKEN"

./falcon status shows what runs, {end} stops it.
"""


def urls(settings: Settings) -> dict[str, str]:
    """Return where the gateway and the three APIs are reached from this machine."""
    host = reachable(settings.host)
    host = f"[{host}]" if ":" in host else host
    return {
        "gateway": f"http://{host}:{settings.port}",
        "command": f"http://{host}:{settings.command_port}",
        "query": f"http://{host}:{settings.query_port}",
        "identity": f"http://{host}:{settings.identity_port}",
    }


def first_steps(settings: Settings, token: str, in_front: bool) -> str:
    """Return the text, with a token that holds every right of a first try."""
    end = "Ctrl-C" if in_front else "./falcon down"
    return STEPS.format(**urls(settings), home=settings.home, token=token, end=end)
