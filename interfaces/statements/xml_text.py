"""Text for XML documents, in which a few characters cannot stand even when they are escaped."""

import re
from xml.sax.saxutils import escape

# All but the production `Char` of XML 1.0. What people write has no controls and no surrogates, but
# one of them would make a whole document unreadable.
_IMPOSSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """Return text as the content of an element, with U+FFFD for what XML cannot hold."""
    return escape(_IMPOSSIBLE.sub("\ufffd", text))
