"""Signs requests: private keys, claims, envelopes and Bearer tokens."""

from __future__ import annotations

import secrets
import time
from typing import Any, Callable, Optional, Union

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

LIFETIME = 60
"""Seconds for which a signature is valid."""

Clock = Callable[[], float]
NewID = Callable[[], str]
Headers = dict[str, str]


class Signer:
    """A name that the server's keychain knows, and its private key."""

    def __init__(self, name: str, key: Union[str, bytes], algorithm: Optional[str] = None) -> None:
        """key is a PEM private key, or for HS256, HS384 and HS512 the secret.

        Without an algorithm it follows from the key: RS256, EdDSA, or the ES one
        of the curve. It must be the one that the keychain has.
        """
        self.name = name
        self._key: Any = key
        if not (algorithm or "").startswith("HS"):
            self._key = load_pem_private_key(key.encode() if isinstance(key, str) else key, password=None)
        self.algorithm: str = algorithm or _default_algorithm(self._key)

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        """Returns the claims as a compact JWS (RFC 7515, section 7.1)."""
        return jwt.encode(claims, self._key, self.algorithm, headers)


def _default_algorithm(key: Any) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    curves = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in curves:
        return curves[key.curve.name]
    raise ValueError("no algorithm of the management API signs with a key of this kind")


class Claims:
    """Makes the claims of each request."""

    def __init__(self, clock: Clock = time.time, new_id: NewID = secrets.token_hex) -> None:
        """clock returns Unix seconds, new_id a jti that it never returned before."""
        self._clock = clock
        self._new_id = new_id

    def new_id(self) -> str:
        return self._new_id()

    def make(self, operation: Optional[str], jti: str) -> dict[str, Any]:
        now = int(self._clock())
        claims = {"iat": now, "exp": now + LIFETIME, "jti": jti}
        return claims if operation is None else {**claims, "op": operation}


class Envelope:
    """Puts the parameters into an envelope that one or several signers sign."""

    def __init__(self, *signers: Signer) -> None:
        if not signers:
            raise ValueError("an envelope needs a signer")
        self._signers = signers

    def sign(self, claims: dict[str, Any], headers: Headers, body: Any) -> tuple[Headers, Any]:
        if body is not None:
            claims = {**claims, "data": body}
        signatures = []
        for signer in self._signers:
            protected, payload, signature = signer.sign(claims).split(".")
            signatures.append({"protected": protected, "header": {"kid": signer.name}, "signature": signature})
        return {**headers, "Content-Type": "application/jose+json"}, {"payload": payload, "signatures": signatures}


class Bearer:
    """Leaves the parameters as they are, and adds a fresh Bearer token that is valid for one operation."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def sign(self, claims: dict[str, Any], headers: Headers, body: Any) -> tuple[Headers, Any]:
        return {**headers, "Authorization": "Bearer " + self._signer.sign(claims, kid=self._signer.name)}, body
