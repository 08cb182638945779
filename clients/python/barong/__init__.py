"""The management API of the Barong OAuth server.

    client = Client("https://barong.example", Envelope(Signer("backend-1", pem)))
    user = client.users.get_user(GetUserParameters(email="ada@example.com"))

The parameters and the records are classes of the generated package
barong_management. This one signs requests, sends them again where that is safe,
makes typed errors of responses, reads lists page by page and logs.
"""

from .client import Client
from .errors import ApiError, NoResponseError, Violation, sentences
from .idempotency import idempotency_key, replayed
from .retries import Retries
from .signing import Bearer, Envelope, Signer
from .version import USER_AGENT, VERSION

__all__ = [
    "USER_AGENT", "VERSION", "ApiError", "Bearer", "Client", "Envelope", "NoResponseError", "Retries", "Signer", "Violation",
    "idempotency_key", "replayed", "sentences",
]
