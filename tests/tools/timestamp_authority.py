"""A time-stamp authority (RFC 3161): openssl behind HTTP, with certificates of its own."""

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIGURATION = """
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[stamping]
basicConstraints = critical, CA:false
extendedKeyUsage = critical, timeStamping
keyUsage = critical, digitalSignature
[tsa]
default_tsa = here
[here]
serial = serial
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
signer_digest = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class Authority:
    """Answers requests for time stamps; `failing` makes it answer something else."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.failing = False
        self.asked = 0
        (folder / "ts.cnf").write_text(CONFIGURATION)
        (folder / "serial").write_text("01\n")
        self._certify()
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                authority.asked += 1
                query = self.rfile.read(int(self.headers["Content-Length"]))
                answer = b"busy" if authority.failing else authority.stamp(query)
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_words: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def root(self) -> Path:
        """The certificate that its stamps are verified by."""
        return self.folder / "ca.pem"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def stamp(self, query: bytes) -> bytes:
        (self.folder / "query.tsq").write_bytes(query)
        self._openssl(
            *("ts", "-reply", "-config", "ts.cnf", "-queryfile", "query.tsq"),
            *("-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "answer.tsr"),
        )
        return (self.folder / "answer.tsr").read_bytes()

    def verifies(self, message: Path, answer: Path) -> bool:
        """Say whether openssl believes a stamp."""
        words = ("ts", "-verify", "-data", message, "-in", answer, "-CAfile", self.root)
        done = subprocess.run(["openssl", *words], capture_output=True, check=False)
        return done.returncode == 0

    def _certify(self) -> None:
        new = ("req", "-new", "-newkey", "rsa:2048", "-nodes", "-config", "ts.cnf")
        self._openssl(
            *(*new, "-x509", "-extensions", "ca", "-subj", "/CN=Root", "-days", "30"),
            *("-keyout", "ca.key", "-out", "ca.pem"),
        )
        self._openssl(*new, "-subj", "/CN=Stamps", "-keyout", "tsa.key", "-out", "tsa.csr")
        self._openssl(
            *("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "30"),
            *("-CAcreateserial", "-extfile", "ts.cnf", "-extensions", "stamping"),
            *("-out", "tsa.pem"),
        )

    def _openssl(self, *words: str) -> None:
        done = subprocess.run(
            ["openssl", *words], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
