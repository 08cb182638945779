"""A server on this machine whose responses a test writes down beforehand."""

import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from barong import Client, Envelope, Retries, Signer

SIGNER = Signer("backend-1", "a secret of thirty-two characters", "HS256")


class Stub:
    """Answers with what script has, the last entry for good: (status, headers, body), or a function of the handler."""

    def __init__(self, *script):
        self.script = list(script)
        self.requests = []  # (method, path, headers, body) in the order of arrival
        self.slept = []  # what the client waited between attempts
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                stub.requests.append((self.command, self.path, self.headers, body))
                reply = stub.script.pop(0) if len(stub.script) > 1 else stub.script[0]
                if callable(reply):
                    reply(self)
                    return
                status, headers, document = reply
                text = json.dumps(document).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_PUT = do_POST

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_port

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def client(self, signing=Envelope(SIGNER), random=lambda: 0.0, **settings):
        """A client that notes its waits instead of waiting."""
        retries = Retries(sleep=self.slept.append, random=random, **settings.pop("retries", {}))
        return Client(self.url, signing, retries=retries, **settings)


def hang_up(handler):
    """Ends the connection without a response."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def unused_port():
    """A port on which nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextlib.contextmanager
def full_backlog():
    """A port whose system answers no more connections: what a client sees of a server that is off the network."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
