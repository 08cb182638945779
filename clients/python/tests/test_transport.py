"""What is sent beside the parameters, time-outs, logs and pages. Needs no server."""

import json
import logging
import time
import unittest

import urllib3

import barong
from barong import ApiError, Bearer, Client, Envelope, NoResponseError, Retries
from barong.transport import Timeouts, send
from barong_management import FilterUsersByLabelParameters, GetUserParameters, ListUsersParameters

from .stub import SIGNER, Stub, full_backlog, hang_up

TIME = (201, {"X-Request-Id": "5f0c"}, {"timestamp": 1763794295})


class Requests(unittest.TestCase):
    def test_the_client_names_itself_and_its_version(self):
        with Stub(TIME) as stub, stub.client() as client:
            client.tools.get_timestamp()
        self.assertRegex(stub.requests[0][2]["User-Agent"], rf"^barong-python/{barong.VERSION} Python/3\.")
        self.assertRegex(barong.VERSION, r"^\d+\.\d+\.\d+")

    def test_urllib3_does_not_retry(self):
        with Stub(hang_up) as stub, stub.client(retries={"attempts": 1}) as client:
            client.configuration.retries = 7
            self.assertRaises(NoResponseError, client.tools.get_timestamp)
        self.assertEqual(len(stub.requests), 1)

    def test_a_response_can_be_read_in_parts(self):
        with Stub(TIME) as stub, stub.client() as client:
            answer = client.tools.get_timestamp(_preload_content=False)
            self.assertEqual(json.loads(answer.read()), {"timestamp": 1763794295})

    def test_responses_are_read_without_the_methods_that_urllib3_dropped(self):
        class Answer:  # as much of it as there is in all versions
            status, reason, data, headers = 201, "Created", b"{}", {"Total": "1"}

        class Pool:
            urlopen = staticmethod(lambda *_, **__: Answer())

        answer = send(Pool(), "POST", "http://localhost", {}, {}, urllib3.Timeout(), "POST /")
        self.assertEqual((answer.status, answer.data, answer.getheaders()), (201, b"{}", {"Total": "1"}))
        self.assertEqual((answer.getheader("Total"), answer.getheader("Link", "none")), ("1", "none"))


class TimeOuts(unittest.TestCase):
    def test_connecting_ends_in_time(self):
        with full_backlog() as port, Client(
            f"http://127.0.0.1:{port}", Envelope(SIGNER), connect_timeout=0.2, retries=Retries(attempts=1),
        ) as client, self.assertRaises(NoResponseError) as caught:
            started = time.monotonic()
            client.tools.get_timestamp()
        self.assertTrue(0.2 <= time.monotonic() - started < 1)
        self.assertFalse(caught.exception.sent)

    def test_reading_ends_in_time(self):
        with Stub(lambda _: time.sleep(2)) as stub, stub.client(read_timeout=0.1, retries={"attempts": 1}) as client:
            started = time.monotonic()
            self.assertRaises(NoResponseError, client.tools.get_timestamp)
            self.assertLess(time.monotonic() - started, 1)

    def test_a_call_may_have_its_own(self):
        timeouts = Timeouts(connect=5, read=60)
        for given, connect, read, total in (None, 5, 60, None), ((1, 2), 1, 2, None), (3, None, None, 3):
            timeout = timeouts.of(given)
            self.assertEqual((connect or timeout._connect, read or timeout._read, timeout.total), (timeout._connect, timeout._read, total))
        with Stub(lambda _: time.sleep(2)) as stub, stub.client(retries={"attempts": 1}) as client:
            with self.assertRaises(NoResponseError):
                client.users.get_user(GetUserParameters(uid="ID1"), _request_timeout=0.1)


class Logs(unittest.TestCase):
    def test_each_attempt_is_a_record_without_what_is_sent(self):
        logger = logging.getLogger("barong.test")
        problem = {"type": "urn:barong:error:unavailable", "detail": "a word of the body"}
        with Stub((503, {"X-Request-Id": "first"}, problem), hang_up, TIME) as stub, stub.client(Bearer(SIGNER), logger=logger) as client:
            with self.assertLogs(logger, "DEBUG") as logged:
                client.tools.get_timestamp()
        self.assertEqual(
            [(r.levelname, r.method, r.path, r.status, r.request_id, r.attempt) for r in logged.records],
            [("WARNING", "POST", "/timestamp", 503, "first", 1), ("WARNING", "POST", "/timestamp", 0, None, 2), ("DEBUG", "POST", "/timestamp", 201, "5f0c", 3)],
        )
        self.assertRegex(logged.records[2].getMessage(), r"^POST /timestamp: 201 in \d+ ms, attempt 3, request 5f0c$")
        text = repr([record.__dict__ for record in logged.records])
        for secret in "a word of the body", "Bearer", stub.requests[0][2]["Authorization"].split(".")[2], "1763794295":
            self.assertNotIn(secret, text)
        self.assertTrue(all(0 <= record.duration < 5 for record in logged.records))

    def test_errors_of_the_caller_are_no_warnings(self):
        with Stub((404, {}, {})) as stub, stub.client() as client, self.assertLogs("barong", "DEBUG") as logged:
            self.assertRaises(ApiError, client.tools.get_timestamp)
        self.assertEqual([record.levelname for record in logged.records], ["INFO"])


def page(number, last):
    link = {"Link": '</users/list?page=1>; rel="first"' + (f', </users/list?page={number + 1}>; rel="next"' if number < last else "")}
    user = {"email": "ada@example.com", "uid": f"ID{number}", "role": "member", "level": 0, "otp": False, "state": "active"}
    return 201, link, [{**user, "referral_uid": None, "data": None}]


def asked(stub):
    """The parameters of each request."""
    return [json.loads(body) for _, _, _, body in stub.requests]


class Pages(unittest.TestCase):
    def test_users_come_from_all_pages_as_they_are_needed(self):
        parameters = ListUsersParameters(limit=1, state="active")
        with Stub(page(1, 3), page(2, 3), page(3, 3)) as stub, stub.client(Bearer(SIGNER)) as client:
            users = client.users.list_all(parameters)
            self.assertEqual(next(users).uid, "ID1")
            self.assertEqual(len(stub.requests), 1)
            self.assertEqual([user.uid for user in users], ["ID2", "ID3"])
        self.assertEqual([(each["page"], each["limit"], each["state"]) for each in asked(stub)], [(1, 1, "active"), (2, 1, "active"), (3, 1, "active")])
        self.assertEqual(parameters.page, 1)

    def test_they_begin_where_the_parameters_say(self):
        with Stub(page(2, 3), page(3, 3)) as stub, stub.client(Bearer(SIGNER)) as client:
            found = client.labels.filter_all(FilterUsersByLabelParameters(key="email", page=2))
            self.assertEqual([user.uid for user in found], ["ID2", "ID3"])
        self.assertEqual([(each["page"], each["key"]) for each in asked(stub)], [(2, "email"), (3, "email")])
        self.assertEqual({path for _, path, _, _ in stub.requests}, {"/api/v2/management/labels/filter/users"})

    def test_a_page_is_retried_and_none_comes_twice(self):
        with Stub(page(1, 2), (503, {}, {}), page(2, 2)) as stub, stub.client(Bearer(SIGNER)) as client:
            self.assertEqual([user.uid for user in client.users.list_all()], ["ID1", "ID2"])
        self.assertEqual([each["page"] for each in asked(stub)], [1, 2, 2])
