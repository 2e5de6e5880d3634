"""What the OpenAPI document says of the stream, whose answer is no JSON document."""

from typing import Any

from interfaces.query_api import examples
from interfaces.query_api.stream import StreamParameters
from interfaces.query_api.stream_frames import SCOPES

Schema = dict[str, Any]

BALANCE = (
    "event: balance\n"
    "id: 42\n"
    f'data: {{"wallet_id":"{examples.WALLET_ID}","posted":"12.34","held":"0.00",'
    '"available":"12.34","currency":"EUR","position":42}\n\n'
)
DESCRIPTION = f"""Server-sent events (HTML standard, section 9.2) of what the caller may see:

- `balance`: what a wallet holds after a movement, as `BalanceChange`;
- `payment`: a payment that began or changed, as it stands, as `PaymentWithLegs`.

`id` is the position of the ledger. A client that was cut off sends the last one as
`Last-Event-ID` and misses nothing, and gets nothing twice. Comments show every 15 seconds that
the stream lives. It ends with the token, when the service stops, and for a client that does not
read. Needs one of the scopes {", ".join(SCOPES)}; without `read` a token sees balances by
`wallets` and payments by `payments`."""


def stream_operation(headers: Schema, problems: Schema) -> Schema:
    """Return the operation, with the headers of its answer and its refusals by their status."""
    after = StreamParameters.model_json_schema()["properties"]["after"]
    position = next(choice for choice in after["anyOf"] if choice != {"type": "null"})
    return {
        "summary": "Changes of the caller's wallets and payments, as they come",
        "description": DESCRIPTION,
        "operationId": "Stream",
        "parameters": [
            {
                "name": "after",
                "in": "query",
                "required": False,
                "schema": position,
                "description": after["description"],
            },
            {
                "name": "Last-Event-ID",
                "in": "header",
                "required": False,
                "schema": position,
                "description": "The last `id` that was received: the stream goes on behind it.",
            },
        ],
        "responses": {
            "200": {
                "description": "The stream, until it ends.",
                "headers": headers,
                "content": {
                    "text/event-stream": {"schema": {"type": "string"}, "example": BALANCE}
                },
            },
            **problems,
        },
        "security": [{"token": []}],
    }
