"""A write has one key for all its attempts, so that a server can execute it once. Needs no server of its own."""

import unittest

from barong import ApiError, Bearer, Envelope, idempotency_key, replayed
from barong_management import CreateLabelParameters, GetUserParameters, SignOTPParameters, UpdateLabelParameters

from .stub import SIGNER, Stub, hang_up

VALUES = {"key": "email", "value": "verified"}
LABEL = CreateLabelParameters(user_uid="ID1", **VALUES)
FIRST = (201, {}, {**VALUES, "scope": "private", "created_at": "2026-11-22T07:11:35Z", "updated_at": "2026-11-22T07:11:35Z"})
AGAIN = (201, {"Idempotent-Replayed": "true"}, FIRST[2])


def keys(stub):
    return [headers["Idempotency-Key"] for _, _, headers, _ in stub.requests]


class Idempotency(unittest.TestCase):
    def test_a_write_whose_response_is_lost_is_retried_with_the_same_key_and_gets_the_first_response(self):
        """Guards that it is the same request to the server when it is retried."""
        for signing in Envelope(SIGNER), Bearer(SIGNER):
            with Stub(hang_up, AGAIN) as stub, stub.client(signing) as client:
                label, status, headers = client.labels.create_label_with_http_info(LABEL)
                self.assertEqual((label.value, status, replayed(headers)), ("verified", 201, True))
                client.labels.create_label(LABEL)
                first, second, other = keys(stub)
                self.assertRegex(first, r'^"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"$')
                self.assertEqual(first, second)
                self.assertNotEqual(first, other)

    def test_a_first_response_is_not_replayed(self):
        with Stub(FIRST) as stub, stub.client() as client:
            self.assertFalse(replayed(client.labels.create_label_with_http_info(LABEL)[2]))

    def test_the_caller_may_choose_the_key(self):
        with Stub((503, {}, {}), AGAIN) as stub, stub.client() as client:
            with idempotency_key('job "7" \\ 1'):
                client.labels.create_label(LABEL)
            client.labels.create_label(LABEL)
            self.assertEqual(keys(stub)[:2], [r'"job \"7\" \\ 1"'] * 2)
            self.assertNotIn("job", keys(stub)[2])

    def test_reads_have_no_key_and_writes_have_one_even_if_they_are_not_retried(self):
        with Stub((404, {}, {})) as stub, stub.client(retries={"writes": False}) as client:
            for call in (
                lambda: client.users.get_user(GetUserParameters(uid="ID1")), client.tools.get_timestamp,
                lambda: client.otp.sign_otp(SignOTPParameters(user_uid="ID1", otp_code="000000")),
                lambda: client.labels.update_label(UpdateLabelParameters(user_uid="ID1", **VALUES)),
            ):
                self.assertRaises(ApiError, call)
            self.assertEqual([key is not None for key in keys(stub)], [False, False, True, True])
