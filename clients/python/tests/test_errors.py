"""What an error tells. Needs no server."""

import unittest

from barong import ApiError, NoResponseError, Violation, sentences
from barong_management import ApiException

from .stub import Stub, hang_up

PROBLEM = {
    "type": "urn:barong:error:invalid_record", "title": "Unprocessable Entity", "status": 422, "detail": "Email is invalid, Password is too weak",
    "errors": [
        {"pointer": "/email", "code": "email_invalid", "detail": "Email is invalid"},
        {"pointer": "/a~1b~0c", "code": "password_too_weak", "detail": "Password is too weak"},
        {"pointer": "", "code": "exactly_one", "detail": "exactly one"},
    ],
    "request_id": "5f0c",
}


class Errors(unittest.TestCase):
    def raised(self, status, headers, document):
        with Stub((status, headers, document)) as stub, stub.client(retries={"attempts": 1}) as client, self.assertRaises(ApiError) as caught:
            client.tools.get_timestamp()
        self.assertIn("application/problem+json", stub.requests[0][2]["Accept"])
        return caught.exception

    def test_problem_details_name_the_fields(self):
        error = self.raised(422, {"Content-Type": "application/problem+json", "X-Request-Id": "5f0c", "Retry-After": "3"}, PROBLEM)
        self.assertEqual((error.status, error.code, error.request_id, error.retry_after), (422, "invalid_record", "5f0c", 3))
        self.assertEqual(error.messages, ["Email is invalid", "Password is too weak", "exactly one"])
        self.assertEqual(error.violations, [
            Violation("email", "email_invalid", "Email is invalid"), Violation("a/b~c", "password_too_weak", "Password is too weak"),
            Violation("", "exactly_one", "exactly one"),
        ])
        self.assertEqual(
            str(error), "POST /timestamp: 422 Unprocessable Entity: Email is invalid, Password is too weak, exactly one (request 5f0c)",
        )
        self.assertIsInstance(error, ApiException)

    def test_problem_without_fields_has_its_detail(self):
        error = self.raised(404, {}, {"type": "urn:barong:error:not_found", "detail": "Record is not found", "errors": []})
        self.assertEqual((error.code, error.messages, error.violations), ("not_found", ["Record is not found"], []))

    def test_problem_about_parameters_has_one_message_as_a_plain_error_has(self):
        errors = [{"pointer": "/email", "code": "email_missing", "detail": "email is missing"}, {"pointer": "/email", "code": "email_empty", "detail": "email is empty"}]
        error = self.raised(422, {}, {"type": "urn:barong:error:invalid_parameters", "detail": "email is missing, email is empty", "errors": errors})
        self.assertEqual(error.messages, ["email is missing, email is empty"])
        self.assertEqual([(each.field, each.code) for each in error.violations], [("email", "email_missing"), ("email", "email_empty")])

    def test_plain_errors_have_messages_alone(self):
        for document, messages in ({"error": "Record is not found"}, ["Record is not found"]), ({"error": ["a", "b"]}, ["a", "b"]), (["no"], []):
            error = self.raised(404, {}, document)
            self.assertEqual((error.code, error.messages, error.violations, error.request_id, error.retry_after), (None, messages, [], None, None))

    def test_redirects_are_not_followed(self):
        with Stub((307, {"Location": "/elsewhere"}, {})) as stub, stub.client() as client, self.assertRaises(ApiError) as caught:
            client.tools.get_timestamp()
        self.assertEqual((caught.exception.status, len(stub.requests)), (307, 1))

    def test_lost_connection_has_a_cause(self):
        with Stub(hang_up) as stub, stub.client(retries={"attempts": 1}) as client, self.assertRaises(NoResponseError) as caught:
            client.tools.get_timestamp()
        self.assertEqual(caught.exception.__cause__.__class__.__name__, "ProtocolError")
        self.assertRegex(str(caught.exception), "^POST /timestamp: ProtocolError: ")
        self.assertEqual((caught.exception.messages, caught.exception.code), ([], None))

    def test_body_that_is_not_utf8_is_read(self):
        error = ApiError("POST /timestamp", status=502, reason="Bad Gateway", headers={}, body=b"\xff")
        self.assertEqual((error.body.decode(), str(error)), ("�", "POST /timestamp: 502 Bad Gateway"))


class Sentences(unittest.TestCase):
    def test_they_are_a_list_whatever_was_answered(self):
        for body, expected in {
            '{"error": "Record is not found"}': ["Record is not found"],
            '{"error": ["Email is invalid", "Password is too weak"]}': ["Email is invalid", "Password is too weak"],
            '{"detail": "Record is not found", "errors": []}': ["Record is not found"],
            "<h1>Bad Gateway</h1>": ["<h1>Bad Gateway</h1>"],
            "[]": ["[]"],
            "": ["no answer"],
        }.items():
            with self.subTest(body):
                refusal = ApiException(status=0, reason="no answer")
                refusal.body = body
                self.assertEqual(sentences(refusal), expected)
