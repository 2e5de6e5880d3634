"""A ledger whose seals are made by real sealers, and looked at by the tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from application.sealing import Sealing
from domain.leaves import entry, leaf_hash
from infrastructure.event_log.reader import EventReader
from infrastructure.seals.keys import SealKeys
from infrastructure.seals.memory import SealMemory, seal_of
from infrastructure.seals.notes import parse_vkey, verified_by
from infrastructure.seals.origin import seal_origin
from infrastructure.seals.signer import SealSigner
from infrastructure.seals.store import StoredSeals
from tests.events_writer import EventsWriter
from tests.fan_out import FanOut
from tests.faults.roles import RoleProcess, roles
from tests.naive_tree import tree_hash
from tests.servers import FreshDatabases


class Sealed(FreshDatabases):
    """Databases whose processes seal every second."""

    @property
    def environ(self) -> dict[str, str]:
        """The environment of such a process."""
        return {**super().environ, "FALCONPAY_SEAL_INTERVAL": "1"}


@dataclass
class SealedLedger:
    """The ledger `main` of some databases, with what its tests do to it."""

    databases: FreshDatabases
    writer: EventsWriter = field(init=False)

    def __post_init__(self) -> None:
        given = self.databases
        self.databases = Sealed(given.settings, given.secrets, given.admin)
        self.writer = EventsWriter(given.connect("command"))
        self.wallets = [self.writer.open(kind="system") for _ in range(3)]

    def write(self, events: int) -> int:
        """Record some more events; return the last position."""
        while len(self.writer.waiting) < events:
            self.writer.busy(self.wallets, 1)
        return self.writer.flush().last

    @contextmanager
    def sealer(self, count: int = 1) -> Iterator[list[RoleProcess]]:
        """Run sealers in processes of their own."""
        with roles(self.databases, *(["sealer"] * count)) as processes:
            yield processes

    def head(self) -> int:
        return FanOut(self.databases).head()

    def epoch(self) -> int:
        with self.databases.connect("audit") as connection:
            return EventReader(connection).epoch()

    def memory(self) -> SealMemory:
        return SealMemory(self.databases.settings.home, "main", self.epoch())

    def notes(self) -> list[str]:
        """Return every seal in the store, the oldest first."""
        with self.databases.connect("audit") as connection:
            rows = connection.execute("SELECT checkpoint FROM seal ORDER BY epoch, size")
            return [note for (note,) in rows]

    def sizes(self) -> list[int]:
        """Return the sizes of the seals of the store's epoch."""
        query = "SELECT size FROM seal WHERE epoch = (SELECT max(number) FROM epoch) ORDER BY size"
        with self.databases.connect("audit") as connection:
            return [size for (size,) in connection.execute(query)]

    def sealed_up_to(self, size: int) -> Callable[[], bool]:
        """Return what asks whether the last seal is of this size."""
        return lambda: self.sizes()[-1:] == [size]

    def vkeys(self) -> list[str]:
        """Return the keys that have signed, the oldest first."""
        with self.databases.connect("audit") as connection:
            rows = connection.execute("SELECT vkey FROM seal_key ORDER BY place")
            return [vkey for (vkey,) in rows]

    def leaves(self) -> list[bytes]:
        with self.databases.connect("audit") as connection:
            return [leaf_hash(entry(event)) for event in EventReader(connection).all()]

    def alter(self, statement: str, *parameters: object) -> None:
        """Do what only a superuser can do to the ledger."""
        with self.databases.connect_admin() as admin:
            admin.execute("SET search_path = ledger_main")
            for how in ("DISABLE", "ENABLE"):
                for table in ("events", "seal", "seal_tile", "seal_key"):
                    admin.execute(f"ALTER TABLE {table} {how} TRIGGER USER".encode())
                if how == "DISABLE":
                    admin.execute(statement.encode(), parameters)

    def assert_sealed(self) -> None:
        """Fail unless every seal of the epoch is one of the log, and its last is remembered."""
        leaves = self.leaves()
        keys = [parse_vkey(vkey) for vkey in self.vkeys()]
        count = len(self.sizes())
        assert count
        notes = self.notes()[-count:]
        for note in notes:
            checkpoint = seal_of(note).checkpoint
            assert checkpoint.root == tree_hash(leaves[: checkpoint.size])
            assert verified_by(note, keys)
        remembered = self.memory().read()
        assert remembered is not None
        assert remembered.note == notes[-1]


def seal_now(databases: FreshDatabases, most: int = 50_000) -> int:
    """Seal what there is, as the role does; return the size of the last seal."""
    with databases.connect("sealer") as connection:
        epoch = EventReader(connection).epoch()
        stored = StoredSeals(connection, epoch)
        origin = seal_origin(databases.settings, epoch)
        home = databases.settings.home
        signer = SealSigner(SealKeys(home, {}), origin, stored.keys)
        memory = SealMemory(home, databases.settings.ledger, epoch)
        sealing = Sealing(stored, memory, signer, origin, most)
        sealing.begin()
        while sealing.step() is not None:
            pass
        assert sealing.last is not None
        return sealing.last.checkpoint.size
