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
    "POST /users/update": "updateUser",
    "POST /profiles": "createProfile",
    "POST /phones": "createPhone",
    "POST /phones/get": "listPhones",
    "POST /phones/delete": "deletePhone",
    "POST /service_accounts/get": "getServiceAccount",
    "POST /service_accounts/list": "listServiceAccounts",
    "POST /service_accounts/create": "createServiceAccount",
    "POST /service_accounts/update": "updateServiceAccount",
    "POST /service_accounts/delete": "deleteServiceAccount",
    "POST /api_keys": "createAPIKey",
    "POST /api_keys/update": "updateAPIKey",
    "POST /attachments": "createAttachment",
}
"""The operationId of each method and path: the value of the claim op."""

READS = frozenset({
    "getTimestamp", "listLabels", "filterUsersByLabel", "listUsers", "getUser", "listPhones", "getServiceAccount", "listServiceAccounts",
})
"""The operations that only read."""

REPEATABLE = READS | {"updateLabel"}
"""The operations that only read, and the one whose repetition changes nothing."""

COUNTED = frozenset({"signOTP"})
"""The operations whose 429 may mean that an attempt was counted: another attempt prolongs the lock."""
