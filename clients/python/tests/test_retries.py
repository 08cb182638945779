"""What is sent again, when, and what is not: by the requests that a server counts. Needs no server of its own."""

import base64
import datetime
import email.utils
import json
import threading
import unittest

from barong import ApiError, Bearer, Client, Envelope, NoResponseError, Retries
from barong.errors import retry_after
from barong.operations import OPERATIONS, REPEATABLE
from barong_management import (
    CreateAPIKeyParameters, CreateAttachmentParameters, CreateDocumentParameters, CreateLabelParameters, CreatePhoneParameters,
    CreateProfileParameters, CreateServiceAccountParameters, CreateUserParameters, DeleteLabelParameters, DeletePhoneParameters,
    DeleteServiceAccountParameters, FilterUsersByLabelParameters, GetServiceAccountParameters, GetUserParameters, ImportUserParameters,
    ListLabelsParameters, ListPhonesParameters, SignOTPParameters, UpdateAPIKeyParameters, UpdateLabelParameters,
    UpdateServiceAccountParameters, UpdateUserParameters,
)

from .stub import SIGNER, Stub, hang_up, unused_port

TIME = (201, {}, {"timestamp": 1763794295})
LABEL = {"user_uid": "ID1", "key": "email", "value": "verified"}
CALLS = {
    "getTimestamp": lambda client: client.tools.get_timestamp(),
    "listLabels": lambda client: client.labels.list_labels(ListLabelsParameters(user_uid="ID1")),
    "filterUsersByLabel": lambda client: client.labels.filter_users_by_label(FilterUsersByLabelParameters(key="email")),
    "listUsers": lambda client: client.users.list_users(),
    "getUser": lambda client: client.users.get_user(GetUserParameters(uid="ID1")),
    "updateLabel": lambda client: client.labels.update_label(UpdateLabelParameters(**LABEL)),
    "createLabel": lambda client: client.labels.create_label(CreateLabelParameters(**LABEL)),
    "deleteLabel": lambda client: client.labels.delete_label(DeleteLabelParameters(user_uid="ID1", key="email")),
    "createUser": lambda client: client.users.create_user(CreateUserParameters(email="ada@example.com", password="Fai5aesoLEcx")),
    "importUser": lambda client: client.users.import_user(ImportUserParameters(email="ada@example.com", password_digest="$2a$04$")),
    "signOTP": lambda client: client.otp.sign_otp(SignOTPParameters(user_uid="ID1", otp_code="000000")),
    "createDocument": lambda client: client.documents.create_document(CreateDocumentParameters(
        uid="ID1", doc_type="Passport", doc_number="AB123123", filename="passport.png", file_ext="png", upload="aGk=",
    )),
    "updateUser": lambda client: client.users.update_user(UpdateUserParameters(uid="ID1", role="admin")),
    "createProfile": lambda client: client.users.create_profile(CreateProfileParameters(uid="ID1")),
    "createPhone": lambda client: client.phones.create_phone(CreatePhoneParameters(uid="ID1", number="442079460018")),
    "listPhones": lambda client: client.phones.list_phones(ListPhonesParameters(uid="ID1")),
    "deletePhone": lambda client: client.phones.delete_phone(DeletePhoneParameters(uid="ID1", number="442079460018")),
    "getServiceAccount": lambda client: client.service_accounts.get_service_account(GetServiceAccountParameters(uid="SI1")),
    "listServiceAccounts": lambda client: client.service_accounts.list_service_accounts(),
    "createServiceAccount": lambda client: client.service_accounts.create_service_account(CreateServiceAccountParameters(service_account_role="sa_maker")),
    "updateServiceAccount": lambda client: client.service_accounts.update_service_account(UpdateServiceAccountParameters(uid="SI1")),
    "deleteServiceAccount": lambda client: client.service_accounts.delete_service_account(DeleteServiceAccountParameters(uid="SI1")),
    "createAPIKey": lambda client: client.api_keys.create_api_key(CreateAPIKeyParameters(uid="ID1", algorithm="HS256")),
    "updateAPIKey": lambda client: client.api_keys.update_api_key(UpdateAPIKeyParameters(uid="ID1", kid="61d025b8573501c2", state="inactive")),
    "createAttachment": lambda client: client.documents.create_attachment(CreateAttachmentParameters(filename="a.png", file_ext="png", upload="aGk=")),
}
READS_AND_UPDATE = {
    "getTimestamp", "listLabels", "filterUsersByLabel", "listUsers", "getUser", "listPhones", "getServiceAccount", "listServiceAccounts",
    "updateLabel",
}
UNCERTAIN = (503, {}, {}), (409, {"Retry-After": "1"}, {}), hang_up


class Retried(unittest.TestCase):
    def test_every_operation_is_called(self):
        self.assertEqual(set(CALLS), set(OPERATIONS.values()))
        self.assertEqual(REPEATABLE, READS_AND_UPDATE)

    def attempts(self, reply, **settings):
        """How often each operation is sent to a server that always replies so."""
        counted = {}
        for operation, call in CALLS.items():
            with Stub(reply) as stub, stub.client(**settings) as client:
                with self.assertRaises(ApiError):
                    call(client)
                counted[operation] = len(stub.requests)
        return counted

    def test_429_is_retried_unless_it_may_have_counted_a_code(self):
        self.assertEqual(self.attempts((429, {}, {})), {operation: 1 if operation == "signOTP" else 3 for operation in CALLS})

    def test_503_409_with_retry_after_and_lost_connections_are_retried_unless_they_may_have_counted_a_code(self):
        expected = {operation: 1 if operation == "signOTP" else 3 for operation in CALLS}
        for reply in UNCERTAIN:
            self.assertEqual(self.attempts(reply), expected)

    def test_without_retried_writes_they_are_retried_where_repetition_is_harmless_even_without_a_key(self):
        expected = {operation: 3 if operation in READS_AND_UPDATE else 1 for operation in CALLS}
        for reply in UNCERTAIN:
            self.assertEqual(self.attempts(reply, retries={"writes": False}), expected)

    def test_another_error_is_not_retried(self):
        for status in 400, 401, 404, 409, 422, 500, 502:
            with self.subTest(status):
                self.assertEqual(set(self.attempts((status, {}, {})).values()), {1})

    def test_a_late_response_is_retried_where_repetition_is_harmless(self):
        for operation, attempts in {"getUser": 2, "createUser": 2, "signOTP": 1}.items():
            late = threading.Event()
            with self.subTest(operation), Stub(lambda _: late.wait(10)) as stub, stub.client(read_timeout=0.2, retries={"attempts": 2}) as client:
                with self.assertRaises(NoResponseError) as caught:
                    CALLS[operation](client)
                late.set()
                self.assertEqual((len(stub.requests), caught.exception.sent, caught.exception.status), (attempts, True, 0))

    def test_no_connection_is_retried_for_every_operation(self):
        with unused_port() as port:
            for operation, call in CALLS.items():
                waits = []
                with Client(f"http://127.0.0.1:{port}", Envelope(SIGNER), retries=Retries(sleep=waits.append)) as client, self.subTest(operation):
                    with self.assertRaises(NoResponseError) as caught:
                        call(client)
                    self.assertEqual((len(waits), caught.exception.sent), (2, False))

    def test_success_ends_the_attempts(self):
        with Stub((503, {}, {}), hang_up, TIME) as stub, stub.client() as client:
            self.assertEqual(client.tools.get_timestamp().timestamp, 1763794295)
            self.assertEqual(len(stub.requests), 3)

    def test_they_can_be_turned_off_and_up(self):
        for attempts in 1, 5:
            with Stub((503, {}, {})) as stub, stub.client(retries={"attempts": attempts}) as client:
                self.assertRaises(ApiError, client.tools.get_timestamp)
                self.assertEqual(len(stub.requests), attempts)
        self.assertRaises(ValueError, Retries, attempts=0)

    def test_the_attempts_of_a_call_have_the_same_jti_and_another_call_has_another(self):
        for signing in Envelope(SIGNER), Bearer(SIGNER):
            with Stub((429, {}, {}), TIME) as stub, stub.client(signing) as client:
                client.tools.get_timestamp()
                client.tools.get_timestamp()
                tokens = [
                    headers["Authorization"].split(".")[1] if headers["Authorization"] else json.loads(body)["payload"]
                    for _, _, headers, body in stub.requests
                ]
                ids = [json.loads(base64.urlsafe_b64decode(token + "=="))["jti"] for token in tokens]
                self.assertEqual(ids[0], ids[1])
                self.assertNotEqual(ids[1], ids[2])


class Waits(unittest.TestCase):
    def waits(self, header=None, random=1.0, **settings):
        with Stub((503, header and {"Retry-After": header} or {}, {})) as stub, stub.client(random=lambda: random, **settings) as client:
            self.assertRaises(ApiError, client.tools.get_timestamp)
        return stub.slept

    def test_their_bound_doubles_up_to_a_limit(self):
        self.assertEqual(self.waits(retries={"attempts": 8}), [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10])

    def test_they_are_random_below_the_bound(self):
        self.assertEqual(self.waits(random=0.25), [0.05, 0.1])

    def test_retry_after_is_the_least(self):
        self.assertEqual(self.waits("7"), [7, 7])
        self.assertEqual(self.waits("1", retries={"backoff": 2}), [2, 4])

    def test_retry_after_is_capped(self):
        self.assertEqual(self.waits("3600", random=0), [60, 60])
        self.assertEqual(self.waits("3600", random=0, retries={"max_retry_after": 5}), [5, 5])

    def test_retry_after_may_be_a_date(self):
        date = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=30)
        for wait in self.waits(email.utils.format_datetime(date, usegmt=True), random=0):
            self.assertAlmostEqual(wait, 29.5, delta=1.5)

    def test_retry_after_that_cannot_be_read_is_none(self):
        for text in None, "", "soon", "-1", "1.5", "²":
            self.assertIsNone(retry_after(text), text)
        self.assertEqual(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), 0)
