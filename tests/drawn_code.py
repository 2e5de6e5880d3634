"""Reads the picture of a QR code as a camera would see it: pixels first, then a decoder."""

import re
from xml.etree import ElementTree as ET

import zxingcpp

SVG = "{http://www.w3.org/2000/svg}"
PIXELS = 6
"""How many pixels a module is wide."""


def modules(svg: str) -> list[bytearray]:
    """Return the picture's modules, dark ones as 1, from the lines of its second path."""
    root = ET.fromstring(svg)
    left, top, width, height = map(int, root.attrib["viewBox"].split())
    assert (left, top, width) == (0, 0, height), "a square from the corner"
    paper, ink = root.findall(f"{SVG}path")
    assert paper.attrib == {"fill": "#fff", "d": f"M0 0h{width}v{width}H0z"}
    drawn = [bytearray(width) for _ in range(width)]
    x = y = 0
    for command, numbers in re.findall(r"([Mmh])([^Mmh]*)", ink.attrib["d"]):
        if command == "h":
            drawn[y][x : x + int(numbers)] = b"\1" * int(numbers)
            x += int(numbers)
            continue
        across, down = numbers.split()
        x = int(across) + (x if command == "m" else 0)
        y = y if command == "m" else int(down.removesuffix(".5"))
    return drawn


def read(svg: str) -> str:
    """Return the text of the one QR code in a picture."""
    rows = modules(svg)
    side = len(rows) * PIXELS
    pixels = b"".join(
        bytes(0 if dark else 255 for dark in row for _ in range(PIXELS)) * PIXELS for row in rows
    )
    (code,) = zxingcpp.read_barcodes(memoryview(pixels).cast("B", (side, side)))
    assert code.format == zxingcpp.BarcodeFormat.QRCode
    return str(code.text)
