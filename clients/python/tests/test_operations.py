"""Every operation against a real server, signed in each of the ways."""

import base64
import contextlib
import datetime
import json
import secrets
import time
import unittest
import urllib.request

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from barong import ApiError, Bearer, Client, Envelope, Signer, Violation
from barong_management import (
    CreateDocumentParameters, CreateLabelParameters, CreateServiceAccountParameters, CreateUserParameters, DeleteLabelParameters,
    FilterUsersByLabelParameters, GetUserParameters, ImportUserParameters, ListedUser, ListLabelsParameters, ListServiceAccountsParameters,
    ListUsersParameters, SignOTPParameters, UpdateLabelParameters,
)

from .server import API, BOTH, DIGEST, FIRST, OTP_UID, imported, otp_code, unique

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
JWT = {
    "payload": "eyJkYXRhIjp7fX0",
    "signatures": [{"protected": "eyJhbGciOiJSUzI1NiJ9", "header": {"kid": "applogic"}, "signature": "c2lnbmF0dXJl"}],
}


class Case(unittest.TestCase):
    @contextlib.contextmanager
    def refused(self, status, *expected):
        """Expects a call to be refused with this status and these sentences."""
        with self.assertRaises(ApiError) as caught:
            yield
        self.assertEqual((caught.exception.status, caught.exception.messages), (status, list(expected)))
        self.assertTrue(caught.exception.request_id)


class Operations:
    """The operations that one signer suffices for; client says how they are signed."""

    client = None
    jwt = None

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def test_timestamp_is_the_time(self):
        self.assertAlmostEqual(self.client.tools.get_timestamp().timestamp, time.time(), delta=5)

    def test_created_user_has_no_profile(self):
        email = unique("ada") + "@example.com"
        user = self.client.users.create_user(CreateUserParameters(email=email, password="Fai5aesoLEcx"))
        self.assertEqual((user.email, user.role, user.level), (email, "member", 0))
        self.assertEqual((user.otp, user.state), (False, "pending"))
        self.assertIsNone(user.profile)
        self.assertIsNone(user.data)
        self.assertIsNone(user.referral_uid)
        self.assertEqual(user.created_at.utcoffset(), datetime.timedelta(0))

    def test_imported_user_has_profile_and_phone(self):
        email = unique("ada") + "@example.com"
        phone = f"+44207{secrets.randbelow(10**7):07}"
        user = self.client.users.import_user(ImportUserParameters(
            email=email, password_digest=DIGEST, phone=phone, first_name="Ada", dob=datetime.date(1985, 12, 10),
        ))
        profile = user.profile
        self.assertEqual((profile.first_name, profile.last_name, profile.state), ("Ada", None, "partial"))
        self.assertEqual(profile.dob, datetime.date(1985, 12, 10))
        self.assertIsNone(profile.metadata)
        found = self.client.users.get_user(GetUserParameters(phone_num=phone))
        self.assertEqual(found.uid, user.uid)
        self.assertEqual((found.phones[0].country, found.phones[0].number), ("GB", phone[1:]))
        self.assertIsInstance(found.phones[0].validated_at, datetime.datetime)
        self.assertEqual([(label.key, label.value) for label in found.labels], [("profile", "partial")])

    def test_users_are_listed_page_by_page(self):
        for _ in range(3):
            imported()
        users, status, headers = self.client.users.list_users_with_http_info(
            list_users_parameters=ListUsersParameters(page=2, limit=1, _from=int(time.time()) - 3600)
        )
        self.assertEqual((status, len(users), type(users[0])), (201, 1, ListedUser))
        self.assertGreaterEqual(int(headers["Total"]), 3)
        self.assertEqual((headers["Page"], headers["Per-Page"]), ("2", "1"))
        for relation in "first", "prev", "next", "last":
            self.assertIn(f'rel="{relation}"', headers["Link"])
        self.assertGreaterEqual(len(self.client.users.list_users()), 3)

    def test_extended_lists_hold_everything(self):
        named, nameless = imported(first_name="Ada"), imported()
        users = self.client.users.list_users(
            list_users_parameters=ListUsersParameters(extended=True, limit=1000, _from=int(time.time()) - 60)
        )
        found = {user.uid: user for user in users}
        self.assertIsInstance(found[named.uid], ListedUser)
        self.assertEqual(found[named.uid].profile.first_name, "Ada")
        self.assertEqual(found[named.uid].labels[0].key, "profile")
        self.assertIsNone(found[nameless.uid].profile)
        self.assertEqual(found[nameless.uid].labels, [])

    def test_users_are_found_by_label(self):
        uid, value = imported().uid, unique("value")
        BOTH.labels.create_label(CreateLabelParameters(user_uid=uid, key="campaign", value=value))
        users, _, headers = self.client.labels.filter_users_by_label_with_http_info(
            FilterUsersByLabelParameters(key="campaign", value=value, scope="private")
        )
        self.assertEqual([(type(user), user.uid) for user in users], [(ListedUser, uid)])
        self.assertEqual(headers["Total"], "1")
        self.assertNotIn("Link", headers)

    def test_all_pages_are_read(self):
        value, uids = unique("value"), {imported().uid for _ in range(3)}
        for uid in uids:
            BOTH.labels.create_label(CreateLabelParameters(user_uid=uid, key="campaign", value=value))
        found = [user.uid for user in self.client.labels.filter_all(FilterUsersByLabelParameters(key="campaign", value=value, limit=2))]
        self.assertEqual((len(found), set(found)), (3, uids))
        listed = [user.uid for user in self.client.users.list_all(ListUsersParameters(limit=50))]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertLessEqual(uids, set(listed))

    def test_all_pages_of_the_service_accounts_of_a_user_are_listed(self):
        owner = imported().uid
        made = [
            self.client.service_accounts.create_service_account(CreateServiceAccountParameters(service_account_role="sa_maker", owner_uid=owner)).uid
            for _ in range(3)
        ]
        listed = list(self.client.service_accounts.list_all(ListServiceAccountsParameters(owner_uid=owner, limit=2)))
        self.assertEqual([(account.uid, account.user.uid) for account in listed], [(uid, owner) for uid in made])

    def test_labels_are_listed(self):
        uid = imported(first_name="Ada").uid
        labels = self.client.labels.list_labels(ListLabelsParameters(user_uid=uid))
        label = labels[0]
        self.assertEqual((len(labels), label.key, label.value, label.scope), (1, "profile", "partial", "private"))

    def test_document_is_read_through_its_signed_url(self):
        uid = imported().uid
        expires = datetime.date.today() + datetime.timedelta(days=365)
        user = self.client.documents.create_document(CreateDocumentParameters(
            uid=uid, doc_type="Passport", doc_number="AB123123", filename="passport.png", file_ext="png",
            upload=base64.b64encode(PNG).decode(), doc_expire=expires, metadata='{"source": "back office"}',
        ))
        self.assertEqual(user.uid, uid)
        document = self.client.users.get_user(GetUserParameters(uid=uid)).documents[0]
        self.assertEqual((document.doc_type, document.doc_number), ("Passport", "AB123123"))
        self.assertEqual(document.doc_expire, expires)
        self.assertEqual(json.loads(document.metadata), {"source": "back office"})
        with urllib.request.urlopen(document.upload) as file:
            self.assertEqual(file.read(), PNG)

    def test_otp_signs(self):
        parameters = {"jwt": self.jwt} if self.jwt else {}
        envelope = self.client.otp.sign_otp(SignOTPParameters(user_uid=OTP_UID, otp_code=otp_code(), **parameters))
        self.assertEqual(envelope.signatures[-1].header["kid"], "barong")
        if self.jwt:
            self.assertEqual(envelope.payload, self.jwt["payload"])
            self.assertEqual(envelope.signatures[0].signature, self.jwt["signatures"][0]["signature"])
        else:
            claims = json.loads(base64.urlsafe_b64decode(envelope.payload + "=="))
            self.assertEqual((claims["iss"], claims["sub"]), ("barong", OTP_UID))


class WithOneSigner(Operations, Case):
    client = Client(API, Envelope(FIRST))

    def test_labels_demand_two(self):
        with self.refused(401, "Not enough signatures for the action."):
            self.client.labels.create_label(CreateLabelParameters(user_uid="ID1", key="email", value="verified"))


class WithToken(Operations, Case):
    client = Client(API, Bearer(FIRST))
    jwt = JWT

    def test_labels_demand_two(self):
        with self.refused(401, "Not enough signatures for the action."):
            self.client.labels.delete_label(DeleteLabelParameters(user_uid="ID1", key="email"))


class WithTwoSigners(Operations, Case):
    client = BOTH
    jwt = JWT

    def test_labels_come_and_go(self):
        uid, labels = imported().uid, self.client.labels
        label = labels.create_label(CreateLabelParameters(user_uid=uid, key="Email", value="verified"))
        self.assertEqual((label.key, label.value, label.scope), ("email", "verified", "private"))
        self.assertIsInstance(label.created_at, datetime.datetime)
        self.assertEqual(self.client.users.get_user(GetUserParameters(uid=uid)).state, "active")
        label = labels.update_label(UpdateLabelParameters(user_uid=uid, key="email", value="rejected"))
        self.assertEqual(label.value, "rejected")
        self.assertEqual(labels.delete_label(DeleteLabelParameters(user_uid=uid, key="email")).value, "rejected")
        self.assertEqual(labels.list_labels(ListLabelsParameters(user_uid=uid)), [])
        with self.refused(404, "label doesnt exist"):
            labels.update_label(UpdateLabelParameters(user_uid=uid, key="email", value="verified", replace=False))


class Refusals(Case):
    def test_fields_and_codes(self):
        with self.assertRaises(ApiError) as caught:
            BOTH.users.create_user(CreateUserParameters(email="bad_email", password="Password1"))
        self.assertEqual(caught.exception.code, "invalid_record")
        self.assertEqual(caught.exception.violations, [
            Violation("email", "email_invalid", "Email is invalid"), Violation("password", "password_too_weak", "Password is too weak"),
        ])

    def test_nobody_there(self):
        with self.refused(404, "Record is not found"):
            BOTH.users.get_user(GetUserParameters(email=unique("nobody") + "@example.com"))

    def test_every_broken_rule_of_a_record(self):
        with self.refused(422, "Email is invalid", "Password is too weak"):
            BOTH.users.create_user(CreateUserParameters(email="bad_email", password="Password1"))

    def test_key_that_the_server_does_not_know(self):
        key = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for signing in Envelope(Signer("backend-1", key)), Bearer(Signer("backend-1", key)):
            with Client(API, signing) as client, self.subTest(signing), self.refused(401, "Failed to verify JWT."):
                client.tools.get_timestamp()

    def test_signature_that_is_too_old(self):
        client = Client(API, Envelope(FIRST), clock=lambda: time.time() - 3600)
        with client, self.refused(401, "Failed to verify JWT."):
            client.tools.get_timestamp()

    def test_required_parameter_is_missed_before_anything_is_sent(self):
        with self.assertRaisesRegex(ValueError, "`value`"):
            CreateLabelParameters(user_uid="ID1", key="email")
