"""What Envoy answers by itself, said as problems, so that a client meets one kind of error only."""

from typing import Any

from interfaces.http.bodies import MAX_BODY_BYTES
from interfaces.http.problem_kinds import KINDS
from interfaces.http.problems import MAX_INSTANCE_LENGTH, MEDIA_TYPE, TYPE_PREFIX

Reply = dict[str, Any]

# Envoy's status, our code, and the sentence for the reader. 403 is what its token check says of an
# audience that is not ours; 426 meets HTTP/1.0.
_BY_STATUS = (
    (400, "bad-request", "The request is not valid HTTP."),
    (401, "unauthenticated", "The request bears no token that is valid here."),
    (403, "unauthenticated", "The request bears no token that is valid here."),
    (404, "not-found", "There is nothing under this path."),
    (405, "method-not-allowed", "The path does not serve this method."),
    (408, "request-timeout", "The request took too long to arrive."),
    (413, "body-too-large", f"The body is larger than {MAX_BODY_BYTES} bytes."),
    (426, "bad-request", "Use HTTP/1.1 or HTTP/2."),
    (431, "headers-too-large", "The headers of the request are too large or too many."),
    (500, "internal-error", "The gateway failed; it is safe to send the same request again."),
)
_AWAY = "The service behind the gateway does not answer; try again, with the same key."
_EXTRA_HEADERS = {
    "unauthenticated": {"www-authenticate": "Bearer"},
    "service-unavailable": {"retry-after": "1"},
}


def local_replies() -> list[Reply]:
    """Return the mappers of Envoy's `local_reply_config`, in the order in which they are tried."""
    return [
        _mapper(_details("path_normalization_failed"), "not-found", "Nothing has such a path."),
        _mapper(_details("Jwks_remote_fetch"), "service-unavailable", _AWAY),
        *(_mapper(_status("EQ", status), code, detail) for status, code, detail in _BY_STATUS),
        _mapper(_status("GE", 500), "service-unavailable", _AWAY),
    ]


def _status(comparison: str, status: int) -> Reply:
    value = {"default_value": status, "runtime_key": "falconpay.unused"}
    return {"status_code_filter": {"comparison": {"op": comparison, "value": value}}}


def _details(part: str) -> Reply:
    """Match what only Envoy's own words tell apart from others of the same status."""
    return {
        "extension_filter": {
            "name": "cel",
            "typed_config": {
                "@type": "type.googleapis.com/"
                "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                "expression": f"response.code_details.contains('{part}')",
            },
        }
    }


def _mapper(condition: Reply, code: str, detail: str) -> Reply:
    kind = KINDS[code]
    headers = {
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        **_EXTRA_HEADERS.get(code, {}),
    }
    document = {
        "type": TYPE_PREFIX + code,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        # The path without its query, which may hold what is nobody's business.
        "instance": f"%PATH(NQ:PATH):{MAX_INSTANCE_LENGTH}%",
        "code": code,
    }
    return {
        "filter": condition,
        "status_code": kind.status,
        "headers_to_add": [
            {
                "header": {"key": name, "value": value},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
            for name, value in headers.items()
        ],
        "body_format_override": {
            "json_format": document,
            "content_type": MEDIA_TYPE,
            "omit_empty_values": True,
        },
    }
