"""The operations of openapi.yaml, and which of them a client may send twice."""

from __future__ import annotations

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
"""The operationId of each method and path: the value of the claim op."""

REPEATABLE = frozenset({"getTimestamp", "listLabels", "filterUsersByLabel", "listUsers", "getUser", "updateLabel"})
"""The operations that only read, and the one whose repetition changes nothing."""

COUNTED = frozenset({"signOTP"})
"""The operations whose 429 may mean that an attempt was counted: another attempt prolongs the lock."""
