"""The errors that calls raise."""

from __future__ import annotations

import datetime
import email.utils
import json
import re
from dataclasses import dataclass
from typing import Any, Mapping, Optional

from barong_management import ApiException

PREFIX = "urn:barong:error:"


@dataclass(frozen=True)
class Violation:
    """A rule that a request breaks."""

    field: str
    """The parameter; empty where several together are invalid."""
    code: str
    """Stable, for programs, such as email_taken."""
    message: str


class ApiError(ApiException):
    """A response that is not a success. docs/errors.md of the server lists them all.

    status, reason, headers and body are those of the generated ApiException.
    """

    def __init__(self, request: str, *, status: int, reason: str, headers: Mapping[str, str], body: bytes) -> None:
        """request is the method and the path, for the message."""
        super().__init__(status=status, reason=reason)
        self.request = request
        self.headers = headers
        self.body = body.decode("utf-8", "replace").encode()  # the generated client decodes it
        document = _json_object(body)
        self.code: Optional[str] = _code(document)
        """The kind of the error, such as not_found or invalid_record; None where the response is not the server's."""
        self.violations: list[Violation] = _violations(document)
        """The rules that the parameters break, each with its field, where the server says which."""
        self.messages: list[str] = _messages(document)
        """What the server says is wrong; empty where the response is not the server's."""
        self.request_id: Optional[str] = headers.get("X-Request-Id")
        """The id under which the server's log has the request."""
        self.retry_after: Optional[float] = retry_after(headers.get("Retry-After"))
        """With 429 and 503, the seconds after which the request may succeed."""

    def __str__(self) -> str:
        text = ": ".join(filter(None, [f"{self.request}: {self.status} {self.reason or ''}".rstrip(), ", ".join(self.messages)]))
        return text + (f" (request {self.request_id})" if self.request_id else "")


class NoResponseError(ApiError):
    """The server could not be reached, or its response did not arrive. The status is 0; the cause is urllib3's."""

    def __init__(self, request: str, cause: Exception, sent: bool) -> None:
        super().__init__(request, status=0, reason=_described(cause), headers={}, body=b"")
        self.sent = sent
        """False where no connection was made, so that the server certainly did nothing."""

    def __str__(self) -> str:
        return f"{self.request}: {self.reason}"


def _described(cause: Exception) -> str:
    """The kind of an error of urllib3 and its text, without the address in memory of the connection."""
    return f"{type(cause).__name__}: " + re.sub(r"<urllib3\S+ object at \w+>: |\w+\(.*\): ", "", str(cause))


def retry_after(value: Optional[str]) -> Optional[float]:
    """The seconds that a Retry-After header asks for, which are given as such or as a date (RFC 9110, section 10.2.3)."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if date.tzinfo is None:  # "-0000" instead of "GMT"
        date = date.replace(tzinfo=datetime.timezone.utc)
    return max(0.0, (date - datetime.datetime.now(datetime.timezone.utc)).total_seconds())


def sentences(error: ApiException) -> list[str]:
    """What an ApiException says is wrong, one message or several.

    Without a message of the server, it is the body as it arrived, or the reason
    where there is none.
    """
    document = _json_object(error.body)
    return _messages(document) or [error.body or error.reason or ""]


def _json_object(body: Any) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (TypeError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _violations(document: dict[str, Any]) -> list[Violation]:
    """Reads the member errors of problem details (RFC 9457)."""
    errors = document.get("errors")
    return [
        Violation(_field(str(entry.get("pointer", ""))), str(entry.get("code", "")), str(entry.get("detail", "")))
        for entry in (errors if isinstance(errors, list) else []) if isinstance(entry, dict)
    ]


def _field(pointer: str) -> str:
    """The parameter that a JSON pointer (RFC 6901) is to."""
    return pointer.removeprefix("/").replace("~1", "/").replace("~0", "~")


def _code(document: dict[str, Any]) -> Optional[str]:
    kind = document.get("type")
    return kind[len(PREFIX):] if isinstance(kind, str) and kind.startswith(PREFIX) else None


def _messages(document: dict[str, Any]) -> list[str]:
    """A message for each rule that a record breaks; for other problems one, which names all that is wrong."""
    if _code(document) == "invalid_record":
        return [violation.message for violation in _violations(document)]
    error = document.get("error", document.get("detail"))
    return [message for message in (error if isinstance(error, list) else [error]) if isinstance(message, str)]
