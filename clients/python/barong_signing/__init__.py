"""Signs the calls that the generated package barong_management makes.

    client = EnvelopeClient("https://barong.example/api/v2/management", Signer("backend-1", pem))
    user = UsersApi(client).get_user(GetUserParameters(email="ada@example.com"))

The generated sources stay as they are: a client of this module takes the place
of their ApiClient and signs in its request method, which every call goes through
once its parameters are plain JSON.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import Any, Callable, Optional, Union
from urllib.parse import urlsplit, urlunsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from barong_management import ApiClient, ApiException, Configuration

LIFETIME = 60
"""Seconds that a signature is good."""

TIMEOUT = 30
"""Seconds that a call may take, unless its _request_timeout says otherwise."""

OPERATIONS = {
    "POST /timestamp": "getTimestamp",
    "POST /labels": "createLabel",
    "PUT /labels": "updateLabel",
    "POST /labels/delete": "deleteLabel",
    "POST /labels/list": "listLabels",
    "POST /labels/filter/users": "filterUsersByLabel",
    "POST /users": "createUser",
    "POST /users/import": "importUser",
    "POST /users/list": "listUsers",
    "POST /users/get": "getUser",
    "POST /otp/sign": "signOTP",
    "POST /documents": "createDocument",
}
"""The operationId at each place of openapi.yaml: what the claim op says."""


class Signer:
    """A name that the server's keychain knows, and the private key behind it."""

    def __init__(self, name: str, key: Union[str, bytes], algorithm: Optional[str] = None) -> None:
        """key is a PEM private key, or for HS256, HS384 and HS512 the secret.

        Without an algorithm it follows from the key: RS256, EdDSA, or the ES one
        of the curve. It must be the one that the keychain has.
        """
        self.name = name
        self.algorithm = algorithm
        self._key = key
        if not (algorithm or "").startswith("HS"):
            self._key = load_pem_private_key(key.encode() if isinstance(key, str) else key, password=None)
            self.algorithm = algorithm or _algorithm_of(self._key)

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        """The claims as a compact JWS (RFC 7515, section 7.1)."""
        return jwt.encode(claims, self._key, self.algorithm, headers)


def _algorithm_of(key: Any) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    curves = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in curves:
        return curves[key.curve.name]
    raise ValueError("no algorithm of the management API signs with a key of this kind")


class _SigningClient(ApiClient):
    def __init__(self, url, clock, new_id, configuration):
        configuration = configuration or Configuration()
        configuration.host = _operations(url)
        configuration.access_token = None  # the generated sources read it, but do not define it
        super().__init__(configuration)
        self._clock = clock
        self._new_id = new_id

    def request(self, method, url, headers=None, body=None, _request_timeout=None, **options):
        operation = OPERATIONS.get(f"{method} {url.removeprefix(self.configuration.host)}")
        headers, body = self._signed(operation, _strict(headers or {}), body)
        timeout = _request_timeout or TIMEOUT
        try:
            return super().request(method, url, headers=headers, body=body, _request_timeout=timeout, **options)
        except ApiException as refusal:
            # The caller of this method decodes the body, also where nobody
            # answered and there is none.
            refusal.body = refusal.body or b""
            raise

    def close(self) -> None:
        """Closes what the generated client closes, and the connections, which it leaves open."""
        super().close()
        self.rest_client.pool_manager.clear()

    def _claims(self, operation):
        now = int(self._clock())
        claims = {"iat": now, "exp": now + LIFETIME, "jti": self._new_id()}
        if operation is not None:
            claims["op"] = operation
        return claims


def _strict(headers):
    """Asks the server to refuse parameters that it does not know, unless the caller says how to handle them."""
    prefer = next((value for name, value in headers.items() if name.lower() == "prefer"), "")
    if "handling=" in prefer.lower():
        return headers
    return {**headers, "Prefer": ", ".join(filter(None, [prefer, "handling=strict"]))}


def _operations(url):
    """Where the server at a URL has its operations: a URL with a path is theirs already."""
    parts = urlsplit(url.rstrip("/"))
    return urlunsplit(parts if parts.path else parts._replace(path="/api/v2/management"))


class EnvelopeClient(_SigningClient):
    """Sends the parameters in an envelope that one or several parties sign."""

    def __init__(self, url: str, *signers: Signer, clock: Callable[[], float] = time.time, new_id: Callable[[], str] = secrets.token_hex,
                 configuration: Optional[Configuration] = None) -> None:
        """url is that of the server, or with a path that of the operations.

        The server is asked to refuse parameters that it does not know: calls send
        Prefer: handling=strict, unless default_headers say otherwise.

        clock gives Unix seconds, new_id a jti that was never given before.
        configuration is the generated package's: for TLS, a proxy, retries.
        """
        if not signers:
            raise ValueError("an envelope needs a signer")
        super().__init__(url, clock, new_id, configuration)
        self._signers = signers

    def _signed(self, operation, headers, body):
        claims = self._claims(operation)
        if body is not None:
            claims["data"] = body
        signatures = []
        for signer in self._signers:
            protected, payload, signature = signer.sign(claims).split(".")
            signatures.append({"protected": protected, "header": {"kid": signer.name}, "signature": signature})
        return {**headers, "Content-Type": "application/jose+json"}, {"payload": payload, "signatures": signatures}


class BearerClient(_SigningClient):
    """Sends the parameters as they are, with a fresh Bearer token of one signer, good for one operation."""

    def __init__(self, url: str, signer: Signer, clock: Callable[[], float] = time.time, new_id: Callable[[], str] = secrets.token_hex,
                 configuration: Optional[Configuration] = None) -> None:
        """The arguments are those of EnvelopeClient."""
        super().__init__(url, clock, new_id, configuration)
        self._signer = signer

    def _signed(self, operation, headers, body):
        token = self._signer.sign(self._claims(operation), kid=self._signer.name)
        return {**headers, "Authorization": "Bearer " + token}, body


def sentences(refusal: ApiException) -> list[str]:
    """What an ApiException says is wrong: a list of one sentence or several.

    Where something other than the server answered it is the body as it came, and
    where nobody did the reason.
    """
    try:
        error = json.loads(refusal.body)["error"]
    except (TypeError, ValueError, KeyError):
        error = refusal.body or refusal.reason
    return error if isinstance(error, list) else [error]
