"""The server that the tests call, as their environment tells."""

import atexit
import base64
import hashlib
import hmac
import os
import secrets
import struct
import time
from pathlib import Path

from barong import Client, Envelope, Signer
from barong_management import ImportUserParameters

API = os.environ["BARONG_API"]
KEYS = Path(os.environ["BARONG_KEYS"])
OTP_UID = os.environ["BARONG_OTP_UID"]
OTP_SECRET = os.environ["BARONG_OTP_SECRET"]

FIRST, SECOND = (Signer(name, (KEYS / f"{name}.pem").read_bytes()) for name in ("backend-1", "backend-2"))
BOTH = Client(API, Envelope(FIRST, SECOND))
atexit.register(BOTH.close)

DIGEST = "$2a$04$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"

_last_step = 0


def unique(name):
    return f"{name}-{secrets.token_hex(6)}"


def imported(**profile):
    """A new user."""
    return BOTH.users.import_user(
        ImportUserParameters(email=unique("ada") + "@example.com", password_digest=DIGEST, **profile)
    )


def otp_code():
    """The next code that the server takes (RFC 6238).

    Each counts once, and one step of drift counts either way: three at once.
    """
    global _last_step
    if time.time() % 30 > 28:
        time.sleep(3)  # or the first of the three would be too old on arrival
    _last_step = max(_last_step + 1, int(time.time()) // 30 - 1)
    time.sleep(max(0.0, (_last_step - 1) * 30 - time.time()))
    key = base64.b32decode(OTP_SECRET + "=" * (-len(OTP_SECRET) % 8))
    mac = hmac.new(key, struct.pack(">Q", _last_step), hashlib.sha1).digest()
    offset = mac[-1] & 0xF
    number = struct.unpack(">I", mac[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"
