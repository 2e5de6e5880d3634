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

A token for the first hour, and the first transfer:

TOKEN={token}
A=$(curl -s {gateway}/v1/wallets -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: w1" \
{json} -d '{{"name":"Ada","currency":"EUR","overdraft_limit":"100.00"}}' {wallet})
B=$(curl -s {gateway}/v1/wallets -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: w2" \
{json} -d '{{"name":"Bob","currency":"EUR"}}' {wallet})
PAID=$(curl -s {gateway}/v1/transfers -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: t1" \
{json} -d '{{"source_wallet_id":"'$A'","destination_wallet_id":"'$B'","amount":"12.34",\
"currency":"EUR"}}') && echo "$PAID"
curl -s "{gateway}/v1/wallets/$B/balance?min_position=$(echo "$PAID" | sed \
's/.*"position":\\([0-9]*\\).*/\\1/')" -H "Authorization: Bearer $TOKEN"

./falcon status shows what runs, {end} stops it.
"""
"""Each request is one line to copy; the same ones stand in README.md, explained."""

JSON_HEADER = '-H "Content-Type: application/json"'
WALLET_ID = "| grep -o 'wal_[0-9A-Z]*'"


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
    return STEPS.format(
        **urls(settings),
        home=settings.home,
        token=token,
        end=end,
        json=JSON_HEADER,
        wallet=WALLET_ID,
    )
