"""Text for XML documents, in which a few characters cannot stand even when they are escaped."""

import re
from xml.sax.saxutils import escape

# XML 1.0 has no way to write these; other control characters and lone surrogates never get as far.
_IMPOSSIBLE = re.compile("[\ufffe\uffff]")


def xml_text(text: str) -> str:
    """Return text as the content of an element, with U+FFFD for what XML cannot hold."""
    return escape(_IMPOSSIBLE.sub("\ufffd", text))
