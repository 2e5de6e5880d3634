"""Signs the checkpoints of one log with the keys of the home, also across a rotation."""

from collections.abc import Callable, Sequence

from application.sealing import SealingRefused
from domain.checkpoints import Checkpoint
from infrastructure.seals.keys import SealKeys
from infrastructure.seals.notes import NoteInvalid, Signer, sign_note, verified_by


class SealSigner:
    """The signer of one log; every key bears the log's name."""

    def __init__(
        self, keys: SealKeys, origin: str, registered: Callable[[], Sequence[str]]
    ) -> None:
        """Take the home's keys, the log's name, and what tells which keys it has signed with."""
        self._keys = keys
        self._origin = origin
        self._registered = registered

    def sign(self, checkpoint: Checkpoint) -> str:
        """Return the checkpoint as a note signed by the current key.

        Where the last seal was signed by an older one, that signs once more beside it. Raises
        `SealingRefused` when the home has no key of the log.
        """
        known = set(self._registered())
        own = self._own()
        used = [number for number, signer in enumerate(own) if signer.verifier.vkey in known]
        if known and not used:
            raise SealingRefused(
                "The home has no key that signed the last seals: put its secret seal_keys back, or"
                " begin another log by ./falcon recover --force."
            )
        return sign_note(checkpoint.text(), own[used[-1] if used else -1 :])

    def signed_by(self, note: str) -> list[str]:
        """Return which keys of the home have signed a note; raises `SealingRefused` for none."""
        try:
            found = verified_by(note, [signer.verifier for signer in self._own()])
        except NoteInvalid as invalid:
            raise SealingRefused(
                f"The last seal is not this home's: {invalid} Put its secret seal_keys back, or"
                " begin another log by ./falcon recover --force."
            ) from None
        return [verifier.vkey for verifier in found]

    def _own(self) -> list[Signer]:
        return [Signer(self._origin, private) for private in self._keys.read_or_create()]
