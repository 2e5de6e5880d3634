"""Every character there is can be given to the XML forms of statements, and comes back."""

import sys
from xml.etree import ElementTree as ET

from interfaces.statements.xml_text import xml_text

SPACES = "\t\n\r"


def test_every_character_comes_back_or_is_replaced() -> None:
    """XML 1.0 knows none of the controls but three, no surrogates, and not U+FFFE and U+FFFF."""
    every = [chr(number) for number in range(sys.maxunicode + 1) if chr(number) not in SPACES]
    found = ET.fromstring(f"<a>{xml_text(''.join(every))}</a>".encode()).text
    assert found is not None
    replaced = [one for one, other in zip(every, found, strict=True) if one != other]
    surrogates = [chr(number) for number in range(0xD800, 0xE000)]
    controls = [chr(number) for number in range(0x20) if chr(number) not in SPACES]
    assert replaced == [*controls, *surrogates, "\ufffe", "\uffff"]
    assert {found[every.index(one)] for one in replaced} == {"\ufffd"}
