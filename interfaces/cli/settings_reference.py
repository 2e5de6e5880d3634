"""What each setting means, for the reference page; a test finds those that are missing here."""

SETTINGS = {
    "FALCONPAY_HOME": (
        "the platform's user data directory",
        "Folder of one system: secrets, server data, logs. Two homes run side by side.",
    ),
    "FALCONPAY_CACHE": (
        "the platform's user cache directory",
        "Folder of what was downloaded, and of Kafka's archived classes; homes may share it.",
    ),
    "FALCONPAY_PORT": (
        "8000",
        "First of four ports: gateway, command API, query API, identity API.",
    ),
    "FALCONPAY_HOST": ("127.0.0.1", "Address on which the gateway and the APIs listen."),
    "FALCONPAY_PUBLIC_URL": (
        "http://HOST:PORT",
        "Where people reach the gateway, as links and documents say it.",
    ),
    "FALCONPAY_LEDGER": (
        "main, and every other one",
        "The ledger that a process or a command works on: an independent book with a schema and a"
        " topic of its own. Set for a process, it serves this one alone.",
    ),
    "FALCONPAY_ASSETS": (
        "none",
        "Assets besides the currencies of ISO 4217, as CODE=DIGITS pairs: POINTS=0,BTC=8."
        " A registered number of digits never changes.",
    ),
    "FALCONPAY_CATEGORIES": (
        "the kind of each payment",
        "What payments are for whose payers do not say so in the metadata `category`, for the cash"
        " flow of wallets: counterparty:REFERENCE=CATEGORY by the reference of a system wallet on"
        " the other side, else kind:KIND=CATEGORY, with commas between.",
    ),
    "FALCONPAY_ISSUER": ("falconpay", "Who signs access tokens; services believe this one only."),
    "FALCONPAY_JWKS_URL": (
        "the home's own keys",
        "Where services read the public keys of tokens, when they do not share the home.",
    ),
    "FALCONPAY_COMMAND_WORKERS": ("2", "Processes of the command API, which share its port."),
    "FALCONPAY_COMMAND_HOST": ("FALCONPAY_HOST", "Where the gateway finds the command API."),
    "FALCONPAY_QUERY_HOST": ("FALCONPAY_HOST", "Where the gateway finds the query API."),
    "FALCONPAY_IDENTITY_HOST": ("FALCONPAY_HOST", "Where the gateway finds the identity API."),
    "FALCONPAY_DATABASE_HOST": ("127.0.0.1", "Host of the PostgreSQL server; set by `up`."),
    "FALCONPAY_DATABASE_PORT": ("5432", "Port of the PostgreSQL server; set by `up`."),
    "FALCONPAY_DATABASE_PREFIX": (
        "empty",
        "Put before the names of the three databases: ledger, identity, reports.",
    ),
    "FALCONPAY_KAFKA_BOOTSTRAP": (
        "none",
        "HOST:PORT of the Kafka broker; set by `up`. Without it the workers read the event store.",
    ),
    "FALCONPAY_STREAM_CLIENTS": (
        "1000",
        "How many streams of changes (`GET /v1/stream`) the query API has open at most.",
    ),
    "FALCONPAY_WAL_ARCHIVE": (
        "none",
        "Folder to which the server brought along copies its write-ahead log, for recovery to any"
        " point in time.",
    ),
    "FALCONPAY_SEAL_INTERVAL": (
        "10",
        "Seconds between two seals while there are new events, and what of the log can be rewritten"
        " unseen at most.",
    ),
    "FALCONPAY_SEAL_ORIGIN": (
        "falconpay/LEDGER",
        "Name of the sealed log and of its keys; the word LEDGER stands for the ledger's name. It"
        " cannot be changed once there are seals.",
    ),
    "FALCONPAY_SEAL_ANCHORS": (
        "none",
        "Where every seal is written, too: file:FOLDER, git:FOLDER (a repository, pushed where it"
        " has a remote), rfc3161:URL (a time-stamp authority), with commas between.",
    ),
    "FALCONPAY_TSA_CERTIFICATES": (
        "none: the answer is kept, and only compared with what was asked",
        "PEM file of the root certificates by which time stamps are verified.",
    ),
    "FALCONPAY_HEALTH_PORT": (
        "a free port",
        "Port of /healthz, /readyz and /metrics of roles without an API, and a second port, on"
        " 127.0.0.1, of a command API that shares its own; set by `up`.",
    ),
    "FALCONPAY_SILENT_SECONDS": (
        "15",
        "How long a role may leave `up` without an answer to /healthz before it is ended and"
        " started again; 0 is for ever.",
    ),
    "FALCONPAY_SECRET_<NAME>": (
        "the file secrets/NAME of the home",
        "A secret from the environment instead of a file: SIGNING_KEYS, DB_COMMAND, DB_QUERY, ...",
    ),
    "FALCONPAY_SUPERVISOR_PID": (
        "none",
        "Set by `up` for its roles, which end when that process does; not to be set by hand.",
    ),
}
"""Each setting's default and meaning; options of commands are described by the commands."""

TESTS = {
    "FALCONPAY_TEST_POSTGRES": (
        "PostgreSQL 18 from its package",
        "`debian`, or a folder with initdb and postgres to test against.",
    ),
    "FALCONPAY_REQUIRE_SERVERS": (
        "off",
        "Turns the skip of a test whose server cannot be had into a failure.",
    ),
    "FALCONPAY_BENCH_BERKA": (
        "a folder beside the clone",
        "The file of bank transactions that `bench` imports.",
    ),
}
"""Settings of tests and measurements."""

COMPOSE = {
    "FALCONPAY_TAG": ("latest", "Tag of the image that every role runs from."),
    "FALCONPAY_BIND": ("127.0.0.1", "Address on which the gateway's port is published."),
    "FALCONPAY_POSTGRES_PASSWORD": (
        "required",
        "Password of the database's superuser; deploy/make_secrets.py makes it and all others.",
    ),
}
"""Settings that only docker-compose.yml reads."""
