"""Types for text that people write, which keep out what no store, log or screen should meet."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

# Control characters (tab and newline too) and the bidirectional embeddings, overrides and
# isolates, which can show a text other than the one stored. Pydantic refuses lone surrogates.
FORBIDDEN = r"\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069"
FORBIDDEN_CHARACTER = re.compile(f"[{FORBIDDEN}]")
_SCHEMA = {"pattern": f"^[^{FORBIDDEN}]*$"}


def _clean(text: str) -> str:
    if FORBIDDEN_CHARACTER.search(text):
        raise ValueError("must not contain control characters or bidirectional overrides")
    return text


Clean = AfterValidator(_clean)
Name = Annotated[str, Field(min_length=1, max_length=100, json_schema_extra=_SCHEMA), Clean]
Description = Annotated[str, Field(max_length=140, json_schema_extra=_SCHEMA), Clean]
Reference = Annotated[str, Field(max_length=64, json_schema_extra=_SCHEMA), Clean]
Reason = Annotated[str, Field(min_length=1, max_length=140, json_schema_extra=_SCHEMA), Clean]
MetadataKey = Annotated[str, Field(min_length=1, max_length=64, json_schema_extra=_SCHEMA), Clean]
MetadataValue = Annotated[str, Field(max_length=500, json_schema_extra=_SCHEMA), Clean]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=20)]
