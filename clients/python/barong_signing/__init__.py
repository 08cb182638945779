"""The former names of package barong, for programs that import them."""

from __future__ import annotations

from typing import Any

from barong import Bearer, Client, Envelope, Signer, sentences
from barong.client import READ_TIMEOUT as TIMEOUT
from barong.operations import OPERATIONS
from barong.signing import LIFETIME

__all__ = ["LIFETIME", "OPERATIONS", "TIMEOUT", "BearerClient", "EnvelopeClient", "Signer", "sentences"]


class EnvelopeClient(Client):
    """A Client whose parameters are in an envelope."""

    def __init__(self, url: str, *signers: Signer, **settings: Any) -> None:
        super().__init__(url, Envelope(*signers), **settings)


class BearerClient(Client):
    """A Client that sends Bearer tokens."""

    def __init__(self, url: str, signer: Signer, **settings: Any) -> None:
        super().__init__(url, Bearer(signer), **settings)
