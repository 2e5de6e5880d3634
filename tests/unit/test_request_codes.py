"""The QR code of a payment request is read back to its link, from its pixels alone."""

import random
from uuid import UUID

import pytest

from domain.identifiers import payment_request_id
from interfaces.http.request_codes import link_of, qr_svg
from tests.drawn_code import modules, read

QUIET = 4
"""White modules on each side, as ISO/IEC 18004 asks for."""

NAME = "prq_5VN0M7R6Z1A3B4C5D6E7F8G2XH"


def test_a_link_names_the_request() -> None:
    assert link_of(NAME) == f"falconpay:request/{NAME}"


@pytest.mark.parametrize("seed", range(25))
def test_a_code_is_read_back_to_its_link(seed: int) -> None:
    """By a decoder that knows nothing of the encoder, from the pixels of the picture."""
    link = link_of(payment_request_id(UUID(int=random.Random(seed).getrandbits(128))))
    assert read(qr_svg(link)) == link


def test_a_code_has_room_around_it() -> None:
    """Four modules on each side, which readers need, and codes begin right behind them."""
    rows = modules(qr_svg(link_of(NAME)))
    quiet = len(rows) - QUIET
    assert not any(
        rows[y][x]
        for y in range(len(rows))
        for x in range(len(rows))
        if min(x, y) < QUIET or max(x, y) >= quiet
    )
    assert rows[QUIET][QUIET]
    assert rows[quiet - 1][QUIET]


def test_a_code_is_small() -> None:
    """It is part of an answer."""
    assert len(qr_svg(link_of(NAME))) < 4096
