"""How a payment request is handed on: a link with its id, and the QR code of that link."""

from functools import lru_cache
from itertools import groupby

SCHEME = "falconpay:request/"
QUIET_ZONE = 4
"""White modules on each side of the code, as ISO/IEC 18004 asks for."""

_SIZE, _ERROR, _MASK = 4, "m", 2
"""Version 4 takes 62 bytes at level M, a link has 48."""


def link_of(request_id: str) -> str:
    """Return the URI by which a payment request is known to whoever reads it."""
    return SCHEME + request_id


@lru_cache(maxsize=1024)
def qr_svg(text: str) -> str:
    """Return the QR code of up to 62 bytes as an SVG document, one unit a module.

    Version, level, mode and mask are fixed, so the modules follow from ISO/IEC 18004 alone, and
    the picture is drawn here: an answer on record stays the same to the byte, whatever a later
    encoder prefers.
    """
    # Most processes never draw one; so only those that do read the encoder.
    import segno

    code = segno.make_qr(
        text, version=_SIZE, error=_ERROR, mode="byte", mask=_MASK, boost_error=False
    )
    side = len(code.matrix) + 2 * QUIET_ZONE
    rows = (_row(bytes(row), y + QUIET_ZONE) for y, row in enumerate(code.matrix))
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {side} {side}'"
        " shape-rendering='crispEdges'>"
        f"<path fill='#fff' d='M0 0h{side}v{side}H0z'/>"
        f"<path stroke='#000' d='{''.join(rows)}'/></svg>"
    )


def _row(modules: bytes, y: int) -> str:
    """Return one row's dark modules as lines one module thick, through the middle of the row."""
    drawn, x, pen = "", QUIET_ZONE, 0
    for dark, run in groupby(modules):
        width = len(list(run))
        if dark:
            drawn += f"m{x - pen} 0h{width}" if drawn else f"M{x} {y}.5h{width}"
            pen = x + width
        x += width
    return drawn
