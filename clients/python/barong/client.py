"""The client: the generated one, whose requests are signed, timed, retried and logged."""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any, Optional, Union
from urllib.parse import urlsplit, urlunsplit

from barong_management import ApiClient, ApiKeysApi, Configuration, DocumentsApi, OtpApi, PhonesApi, ToolsApi

from .errors import ApiError
from .idempotency import with_key
from .operations import OPERATIONS
from .pages import Labels, ServiceAccounts, Users
from .retries import Retries
from .signing import Bearer, Claims, Clock, Envelope, Headers, NewID
from .transport import RequestTimeout, Timeouts, send
from .version import USER_AGENT

BASE_PATH = "/api/v2/management"

CONNECT_TIMEOUT = 5.0
"""Seconds to connect."""

READ_TIMEOUT = 60.0
"""Seconds to wait for a response: more than the server gives itself."""

LOGGER = logging.getLogger("barong")
LOGGER.addHandler(logging.NullHandler())  # silent unless the program says where logs go


class Client(ApiClient):
    """Calls the server. Its operations are in users, phones, labels, documents, service_accounts, api_keys, otp
    and tools.

    It takes the place of the generated ApiClient, so that UsersApi(client) and the
    like work too: each of their calls ends in request, with parameters in plain JSON.
    """

    def __init__(
        self, url: str, signing: Union[Envelope, Bearer], *, connect_timeout: float = CONNECT_TIMEOUT, read_timeout: float = READ_TIMEOUT,
        retries: Optional[Retries] = None, logger: Optional[logging.Logger] = None, configuration: Optional[Configuration] = None,
        clock: Clock = time.time, new_id: NewID = secrets.token_hex,
    ) -> None:
        """url is that of the server, or with a path that of the operations.

        The time-outs, in seconds, are for each attempt. Each attempt is one record of
        the logger, "barong" unless another is given. configuration is the generated
        package's, for TLS and a proxy; its retries are not used. clock returns Unix
        seconds, new_id a jti that it never returned before.

        The server is asked to refuse parameters that it does not know: calls send
        Prefer: handling=strict, unless default_headers say otherwise.
        """
        configuration = configuration or Configuration()
        configuration.host = _operations_url(url)
        configuration.access_token = None  # the generated sources read it, but do not define it
        super().__init__(configuration)
        self.set_default_header("User-Agent", USER_AGENT)
        self.set_default_header("Accept", "application/json, application/problem+json")
        self._signing = signing
        self._claims = Claims(clock, new_id)
        self._timeouts = Timeouts(connect_timeout, read_timeout)
        self._retries = retries or Retries()
        self._logger = logger or LOGGER
        self.users = Users(self)
        self.labels = Labels(self)
        self.documents = DocumentsApi(self)
        self.phones = PhonesApi(self)
        self.service_accounts = ServiceAccounts(self)
        self.api_keys = ApiKeysApi(self)
        self.otp = OtpApi(self)
        self.tools = ToolsApi(self)

    def request(
        self, method: str, url: str, headers: Optional[Headers] = None, body: Any = None,
        _preload_content: bool = True, _request_timeout: RequestTimeout = None, **_options: Any,
    ) -> Any:
        """Sends a request, and again where that is safe and may help.

        Each attempt is signed by itself. All attempts of a call have the same jti, and of
        a write the same idempotency key, so that a server can execute one of them.
        """
        path = url.removeprefix(self.configuration.host)
        operation = OPERATIONS.get(f"{method} {path}")
        unsigned = with_key(_strict(headers or {}), operation)
        jti = self._claims.new_id()
        timeout = self._timeouts.of(_request_timeout)
        attempt = 1
        while True:
            signed, signed_body = self._signing.sign(self._claims.make(operation, jti), unsigned, body)
            started = time.monotonic()
            try:
                response = send(
                    self.rest_client.pool_manager, method, url, signed, signed_body, timeout.clone(), f"{method} {path}", _preload_content,
                )
            except ApiError as error:
                self._log(method, path, error.status or 0, error.request_id, attempt, started, "" if error.status else f", {error.reason}")
                wait = self._retries.wait(operation, error, attempt)
                if wait is None:
                    raise
            else:
                self._log(method, path, response.status, response.headers.get("X-Request-Id"), attempt, started)
                return response
            self._retries.sleep(wait)
            attempt += 1

    def _log(self, method: str, path: str, status: int, request_id: Optional[str], attempt: int, started: float, reason: str = "") -> None:
        """Writes one record for an attempt. It holds no parameters, no signature and no part of the response's body."""
        seconds = time.monotonic() - started
        level = logging.DEBUG if 200 <= status <= 299 else logging.WARNING if status in (0, 429) or status >= 500 else logging.INFO
        self._logger.log(
            level, "%s %s: %s in %d ms, attempt %d, request %s%s",
            method, path, status or "no response", round(seconds * 1000), attempt, request_id or "unknown", reason,
            extra={"method": method, "path": path, "status": status, "duration": seconds, "request_id": request_id, "attempt": attempt},
        )

    def close(self) -> None:
        """Closes what the generated client closes, and the connections, which it leaves open."""
        super().close()
        self.rest_client.pool_manager.clear()


def _strict(headers: Headers) -> Headers:
    """Asks the server to refuse parameters that it does not know, unless the caller says how to handle them."""
    prefer = next((value for name, value in headers.items() if name.lower() == "prefer"), "")
    if "handling=" in prefer.lower():
        return headers
    return {**headers, "Prefer": ", ".join(filter(None, [prefer, "handling=strict"]))}


def _operations_url(url: str) -> str:
    """The URL of the operations: where a server's URL has no path, they are under BASE_PATH."""
    parts = urlsplit(url.rstrip("/"))
    return urlunsplit(parts if parts.path else parts._replace(path=BASE_PATH))
