"""What a signature is made of. Needs no server."""

import base64
import json
import unittest
from unittest import mock

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import barong_signing
from barong import Bearer, Client, Envelope, Signer
from barong_management import CreateLabelParameters, GetUserParameters, UsersApi

NOW = 1763794295
SECRET = "a secret of thirty-two characters"


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def verified(token, key, algorithm):
    return jwt.decode(token, key, [algorithm], options={"verify_exp": False, "verify_iat": False})


def sent(client):
    """The headers and the body with which a client would create a label."""
    with mock.patch.object(client.rest_client.pool_manager, "urlopen", side_effect=InterruptedError) as request:
        try:
            client.labels.create_label(CreateLabelParameters(user_uid="ID1", key="email", value="verified"))
        except InterruptedError:
            pass
    return request.call_args.kwargs["headers"], json.loads(request.call_args.kwargs["body"])


class Algorithms(unittest.TestCase):
    def test_algorithm_follows_from_the_key(self):
        keys = {
            "RS256": rsa.generate_private_key(65537, 2048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "ES384": ec.generate_private_key(ec.SECP384R1()),
            "ES512": ec.generate_private_key(ec.SECP521R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        }
        for algorithm, key in keys.items():
            with self.subTest(algorithm):
                token = Signer("backend-1", pem(key)).sign({"iat": NOW})
                self.assertEqual(verified(token, key.public_key(), algorithm), {"iat": NOW})

    def test_algorithm_can_be_told(self):
        key = rsa.generate_private_key(65537, 2048)
        for algorithm in "RS384", "RS512", "PS256", "PS384", "PS512":
            with self.subTest(algorithm):
                token = Signer("backend-1", pem(key), algorithm).sign({"iat": NOW})
                self.assertEqual(verified(token, key.public_key(), algorithm), {"iat": NOW})
        for algorithm in "HS256", "HS384", "HS512":
            with self.subTest(algorithm):
                token = Signer("backend-1", SECRET, algorithm).sign({"iat": NOW})
                self.assertEqual(verified(token, SECRET, algorithm), {"iat": NOW})

    def test_key_that_cannot_sign_is_refused(self):
        for key in ec.generate_private_key(ec.SECP256K1()), x25519.X25519PrivateKey.generate():
            with self.assertRaisesRegex(ValueError, "no algorithm"):
                Signer("backend-1", pem(key))


class Envelopes(unittest.TestCase):
    def test_every_signer_signs_the_same_payload(self):
        keys = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
        signers = [Signer(f"backend-{number}", pem(key)) for number, key in enumerate(keys, 1)]
        client = Client("http://localhost", Envelope(*signers), clock=lambda: NOW + 0.9, new_id=lambda: "once")
        headers, body = sent(client)
        self.assertNotIn("Authorization", headers)
        entries = body["signatures"]
        self.assertEqual([entry["header"] for entry in entries], [{"kid": "backend-1"}, {"kid": "backend-2"}])
        for entry, key, algorithm in zip(entries, keys, ("RS256", "ES256")):
            token = ".".join((entry["protected"], body["payload"], entry["signature"]))
            self.assertEqual(verified(token, key.public_key(), algorithm), {
                "iat": NOW, "exp": NOW + 60, "jti": "once", "op": "createLabel",
                "data": {"user_uid": "ID1", "key": "email", "value": "verified"},
            })

    def test_no_jti_comes_twice(self):
        client = Client("http://localhost", Envelope(Signer("backend-1", SECRET, "HS256")))
        payloads = [sent(client)[1]["payload"] for _ in range(2)]
        ids = [json.loads(base64.urlsafe_b64decode(payload + "=="))["jti"] for payload in payloads]
        self.assertNotEqual(*ids)

    def test_envelope_without_a_signer_is_refused(self):
        with self.assertRaises(ValueError):
            Envelope()


class Tokens(unittest.TestCase):
    def test_token_names_its_signer_and_leaves_the_body_alone(self):
        signer = Signer("backend-1", SECRET, "HS256")
        client = Client("http://localhost", Bearer(signer), clock=lambda: NOW, new_id=lambda: "once")
        headers, body = sent(client)
        scheme, token = headers["Authorization"].split()
        self.assertEqual(scheme, "Bearer")
        self.assertEqual(jwt.get_unverified_header(token)["kid"], "backend-1")
        self.assertEqual(verified(token, SECRET, "HS256"), {"iat": NOW, "exp": NOW + 60, "jti": "once", "op": "createLabel"})
        self.assertEqual(body, {"user_uid": "ID1", "key": "email", "value": "verified"})


class Servers(unittest.TestCase):
    def test_server_is_asked_to_refuse_unknown_parameters(self):
        signer = Signer("backend-1", SECRET, "HS256")
        for client in Client("http://localhost", Envelope(signer)), Client("http://localhost", Bearer(signer)):
            self.assertEqual(sent(client)[0]["Prefer"], "handling=strict")
            client.set_default_header("Prefer", "handling=lenient")
            self.assertEqual(sent(client)[0]["Prefer"], "handling=lenient")

    def test_url_without_a_path_is_that_of_the_server(self):
        for url, operations in {
            "http://localhost:8080": "http://localhost:8080/api/v2/management",
            "http://localhost:8080/": "http://localhost:8080/api/v2/management",
            "http://localhost:8080/api/v2/management/": "http://localhost:8080/api/v2/management",
            "http://localhost:8080/proxy": "http://localhost:8080/proxy",
        }.items():
            with self.subTest(url):
                client = Client(url, Bearer(Signer("backend-1", SECRET, "HS256")))
                self.assertEqual(client.configuration.host, operations)


class FormerNames(unittest.TestCase):
    def test_they_make_the_same_clients(self):
        signer = barong_signing.Signer("backend-1", SECRET, "HS256")
        envelope = barong_signing.EnvelopeClient("http://localhost", signer, clock=lambda: NOW)
        self.assertIn("payload", sent(envelope)[1])
        bearer = barong_signing.BearerClient("http://localhost", signer, new_id=lambda: "once")
        self.assertRegex(sent(bearer)[0]["Authorization"], "^Bearer ")
        self.assertRaises(ValueError, barong_signing.EnvelopeClient, "http://localhost")

    def test_the_generated_classes_take_a_client(self):
        client = Client("http://localhost", Bearer(Signer("backend-1", SECRET, "HS256")))
        with mock.patch.object(client.rest_client.pool_manager, "urlopen", side_effect=InterruptedError) as request:
            self.assertRaises(InterruptedError, UsersApi(client).get_user, GetUserParameters(uid="ID1"))
        self.assertEqual(request.call_args.args, ("POST", "http://localhost/api/v2/management/users/get"))


if __name__ == "__main__":
    unittest.main()
