"""The keys with which a server executes a write once (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

import contextlib
import contextvars
import uuid
from typing import Iterator, Mapping, Optional

from .operations import READS

_chosen: contextvars.ContextVar[Optional[str]] = contextvars.ContextVar("idempotency_key", default=None)


@contextlib.contextmanager
def idempotency_key(key: str) -> Iterator[None]:
    """Gives the write in the with statement this key instead of a random one, for a program that repeats the call itself.

        with idempotency_key(job.id):
            client.labels.create_label(parameters)

    The key is 1 to 255 visible ASCII characters. It belongs to one request: another
    write with the same key is refused. It is that of the thread, or of the task of
    asyncio, and does not reach calls with async_req.
    """
    token = _chosen.set(key)
    try:
        yield
    finally:
        _chosen.reset(token)


def with_key(headers: dict[str, str], operation: Optional[str]) -> dict[str, str]:
    """The headers of a call: those of a write have a key, unless they had one already."""
    if operation is None or operation in READS or any(name.lower() == "idempotency-key" for name in headers):
        return headers
    key = _chosen.get() or str(uuid.uuid4())
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return {**headers, "Idempotency-Key": f'"{escaped}"'}


def replayed(headers: Mapping[str, str]) -> bool:
    """Whether a response with these headers repeats that of an earlier request with the same idempotency key.

        label, status, headers = client.labels.create_label_with_http_info(parameters)

    That is also the case where the response to an earlier attempt of the same call
    was lost.
    """
    return headers.get("Idempotent-Replayed") == "true"
