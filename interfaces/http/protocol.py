"""Uvicorn's HTTP protocol, so that even what it answers before any application is a problem."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from interfaces.http.problems import MEDIA_TYPE, problem_bytes, problem_document


class ProblemProtocol(HttpToolsProtocol):
    """Answers what is not HTTP with a problem instead of plain text."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (the signature is uvicorn's)
        """Answer 400 and close; the parser's own message names the library, so it is dropped."""
        body = problem_bytes(problem_document("bad-request", "The request is not valid HTTP/1.1."))
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"content-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\n"
            "x-content-type-options: nosniff\r\n"
            "cache-control: no-store\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()
