"""Sends one request over the connections of the generated client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Union

import urllib3
from urllib3 import exceptions

from .errors import ApiError, NoResponseError

RequestTimeout = Union[float, tuple[float, float], None]


@dataclass
class Response:
    """What the generated client reads of a response.

    Its own class calls methods that urllib3 2.6 no longer has.
    """

    status: int
    reason: str
    data: bytes
    headers: Mapping[str, str]

    def getheaders(self) -> Mapping[str, str]:
        return self.headers

    def getheader(self, name: str, default: Optional[str] = None) -> Optional[str]:
        return self.headers.get(name, default)


@dataclass(frozen=True)
class Timeouts:
    """How many seconds one attempt may take to connect, and the server to send the next part of its response."""

    connect: float
    read: float

    def of(self, request_timeout: RequestTimeout) -> urllib3.Timeout:
        """Those of the generated client's argument where it is given: seconds in total, or a pair (connect, read)."""
        if request_timeout is None:
            return urllib3.Timeout(connect=self.connect, read=self.read)
        if isinstance(request_timeout, tuple):
            connect, read = request_timeout
            return urllib3.Timeout(connect=connect, read=read)
        return urllib3.Timeout(total=request_timeout)


def send(
    pool: Any, method: str, url: str, headers: Mapping[str, str], body: Any, timeout: urllib3.Timeout, request: str, preload: bool = True,
) -> Any:
    """Sends a request once, without the retries of urllib3, and without following redirects: a signature is for one server.

    Returns a Response, or without preload the one of urllib3, from which the body
    is still to be read. Raises ApiError for a response that is not a success.
    """
    try:
        answer = pool.urlopen(
            method, url, body=None if body is None else json.dumps(body), headers=headers,
            timeout=timeout, retries=False, redirect=False, preload_content=preload,
        )
        success = 200 <= answer.status <= 299
        if success and not preload:
            return answer
        response = Response(answer.status, answer.reason or "", answer.data, answer.headers)
    except exceptions.HTTPError as cause:
        raise NoResponseError(request, cause, _may_have_been_sent(cause)) from cause
    if not success:
        raise ApiError(request, status=response.status, reason=response.reason, headers=response.headers, body=response.data)
    return response


def _may_have_been_sent(cause: BaseException) -> bool:
    if isinstance(cause, exceptions.ProxyError) and len(cause.args) > 1:
        cause = cause.args[1]  # what happened on the way to the proxy
    return not isinstance(cause, (exceptions.NewConnectionError, exceptions.ConnectTimeoutError))
