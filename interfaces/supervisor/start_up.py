"""Brings a home up: servers, databases, roles, each as early as what it needs is there."""

import subprocess
import sys
import time

from infrastructure.embedded.kafka import Kafka
from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.server import LOOPBACK, EmbeddedServer, ServerUnavailable
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.supervisor.announcements import Announcements
from interfaces.supervisor.background import Background
from interfaces.supervisor.database_place import DatabasePlace, keep_place
from interfaces.supervisor.failure import StartRefused
from interfaces.supervisor.last_words import last_words
from interfaces.supervisor.noted_settings import note_settings
from interfaces.supervisor.plan import (
    Wishes,
    endpoints,
    figures_folder,
    gateway_of,
    role_environment,
    role_specs,
)
from interfaces.supervisor.ports import check_database, check_reachable
from interfaces.supervisor.role_process import RoleProcess, Say
from interfaces.supervisor.server_keeper import ServerKeeper
from interfaces.supervisor.state import write_endpoints
from interfaces.supervisor.supervisor import TICK_SECONDS, Supervisor

READY_SECONDS = 90.0
HOPELESS_RESTARTS = 3


class StartUp:
    """One start of one home; whatever it raises, the supervisor then stops what was started."""

    def __init__(
        self,
        settings: Settings,
        wishes: Wishes,
        supervisor: Supervisor,
        announcements: Announcements,
        say: Say,
    ) -> None:
        """Take what to start and whom to tell; nothing is started yet."""
        self._settings = settings
        self._secrets = Secrets(settings.home)
        self._wishes = wishes
        self._supervisor = supervisor
        self._announce = announcements
        self._say = say

    def run(self, place: DatabasePlace | None, database_url: str | None) -> dict[str, str]:
        """Start everything and return the environment of roles once all are ready.

        `place` is None for a database server of the home's own. Raises `StartRefused` and
        `ServerUnavailable`.
        """
        home = self._settings.home
        kafka = self._prepare_kafka()
        given = place
        if place is None:
            self._progress("starting PostgreSQL")
            place, database_url = self._start_postgres()
        else:
            check_database(place.host, place.port)
        environ = role_environment(self._settings, place, endpoints(self._settings, place, None))
        preparation = self._begin_preparation(environ, database_url)
        found = endpoints(self._settings, place, self._start_kafka(kafka))
        environ = role_environment(self._settings, place, found)
        write_endpoints(home, found)
        self._finish_preparation(preparation)
        if given is not None:
            # Not before it has been of use, since a home stays with the server that it begins on.
            keep_place(home, given)
        self._start_gateway()
        note_settings(self._settings)
        for spec in role_specs(self._settings, self._wishes):
            patience = self._settings.silent_seconds
            self._supervisor.roles.append(RoleProcess(spec, environ, home, self._say, patience))
        figures_folder(home).mkdir(exist_ok=True)
        self._progress("starting the roles")
        self._await_ready()
        return environ

    def _progress(self, text: str) -> None:
        self._announce.say("progress", f"  {text} ...")
        self._say(text)

    def _start_postgres(self) -> tuple[DatabasePlace, str]:
        archive = self._settings.wal_archive
        server = Postgres(self._settings.home, self._secrets, archive=archive)
        server.prepare()
        self._keep(server)
        # The login goes to the preparation's environment alone and is nowhere kept.
        return DatabasePlace(LOOPBACK, server.port(), {}), server.admin_conninfo()

    def _prepare_kafka(self) -> tuple[Kafka, Background] | None:
        mode = self._wishes.kafka_mode
        if mode == "external":
            check_reachable(self._wishes.kafka)
        if mode != "embedded":
            return None
        server = Kafka(self._settings.home, self._settings.cache, self._jar_progress)
        return server, Background(server.prepare)

    def _jar_progress(self, done: int, total: int) -> None:
        if done in (1, total) or done % 10 == 0:
            self._progress(f"fetching Apache Kafka, jar {done} of {total}")

    def _start_kafka(self, kafka: tuple[Kafka, Background] | None) -> str | None:
        if kafka is None:
            return self._wishes.kafka if self._wishes.kafka_mode == "external" else None
        server, preparation = kafka
        self._progress("starting Apache Kafka")
        preparation.finish()
        self._keep(server)
        return server.bootstrap()

    def _start_gateway(self) -> None:
        self._progress("starting the gateway")
        gateway = gateway_of(self._settings)
        gateway.prepare()
        self._keep(gateway)

    def _keep(self, server: EmbeddedServer) -> None:
        keeper = ServerKeeper(server, self._say)
        keeper.start()
        self._supervisor.servers.append(keeper)
        self._supervisor.write_down()

    def _begin_preparation(
        self, environ: dict[str, str], database_url: str | None
    ) -> subprocess.Popen[str]:
        """Prepare in a process of its own: the supervisor stays small and forgets the login."""
        login = {} if database_url is None else {"FALCONPAY_DATABASE": database_url}
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "interfaces.cli", "run", "prepare"],
            env={**environ, **login},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def _finish_preparation(self, preparation: subprocess.Popen[str]) -> None:
        self._progress("bringing the databases forward")
        while preparation.poll() is None:
            for keeper in self._supervisor.servers:
                if not keeper.server.alive():
                    preparation.kill()
                    raise ServerUnavailable(_ended_early(keeper.server))
            time.sleep(0.05)
        said, wrong = preparation.communicate()
        if preparation.returncode != 0:
            raise StartRefused(wrong.strip() or "The databases could not be made or migrated.")
        for line in said.splitlines():
            self._announce.say("progress", f"  {line}")

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._all_ready():
            self._supervisor.keep()
            for role in self._supervisor.roles:
                if role.restarts >= HOPELESS_RESTARTS:
                    words = last_words(self._settings.home, role.spec.title)
                    raise StartRefused(f"The role {role.spec.title} does not start: {words}")
            if time.monotonic() > deadline:
                raise StartRefused(
                    f"Not ready after {READY_SECONDS:.0f} s: {', '.join(self._unready())};"
                    f" look into {self._settings.home / 'logs'} and try ./falcon up again."
                )
            time.sleep(TICK_SECONDS)
        # What waits for a person is no reason to withhold commands: the ledger itself is whole.
        for role in self._supervisor.roles:
            if (told := role.waits_for_recover()) is not None:
                self._announce.say("progress", f"  {told}")
        self._supervisor.ready = True
        self._supervisor.write_down()

    def _all_ready(self) -> bool:
        servers = all(keeper.server.ready() for keeper in self._supervisor.servers)
        return servers and bool(self._supervisor.roles) and not self._unready()

    def _unready(self) -> list[str]:
        return [
            role.spec.title
            for role in self._supervisor.roles
            if not role.ready() and role.waits_for_recover() is None
        ]


def _ended_early(server: EmbeddedServer) -> str:
    return (
        f"{server.name} ended while starting ({server.last_words()}): mend that, then run"
        " ./falcon up again."
    )
