"""FakeControlPlane: a control plane as deployed networks run it (wire contract A: no ETag, no waiting), whose answers a test bends.

    fake.rows = [row, …]                       the truth, changed by the agent's reports as a real one would
    fake.misbehave("sessions", garbage)        until fake.behave()
    fake.round_trips                           every body of `rtt`
    fake.reports                               every status that the agent reported: (uuid, status, lastError)
"""
import contextlib
import http.server
import itertools
import json
import socketserver
import ssl
import threading
import time

AS_USUAL = object()  # what a fault returns that leaves the answer to us

LEGAL_MOVES = {3: {4, 8}, 4: {2, 6, 7}, 2: {5, 6, 1, 4}, 6: {2, 5, 7}, 5: {0, 1}, 1: {4}, 7: {1, 4}, 8: set()}


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """An agent that hangs up on a hanging answer is what is tested: no traceback for it."""


class FakeControlPlane:
    def __init__(self, space, port=8080, token="lab-token", tls=None):
        """`tls`: an ssl.SSLContext; a certificate that it loads later serves the connections from then on."""
        self.token, self.rows, self.reports, self.requests, self.heartbeats, self.round_trips = token, [], [], [], [], []
        self.measured = []  # the bodies of `report`
        self.lock = threading.Lock()
        self.released = threading.Event()  # ends every hanging answer at the close of the lab
        self._faults, self._said = {}, {}
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 90
            disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms for the first's ACK

            def do_GET(self):
                fake.serve(self, b"")

            def do_POST(self):
                fake.serve(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def log_message(self, *_):
                pass

        with space.entered():
            self._server = _Server((space.address, port), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://{space.address}:{port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        space.lab.at_exit.append(self.close)

    def close(self):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    # What a test says.
    def misbehave(self, what, fault):
        """`what`: sessions, modify, heartbeat, config, or "*" for all; `fault`: one of the functions below."""
        with self.lock:
            self._faults[what] = fault

    def say(self, **answers):
        """Whole answers, envelope included, by action: mesh={"code": 0, …}."""
        self._said.update(answers)

    def behave(self):
        with self.lock:
            self._faults = {}

    @contextlib.contextmanager
    def while_it(self, what, fault):
        self.misbehave(what, fault)
        try:
            yield
        finally:
            self.behave()

    def _row(self, uuid):
        """None when there is none. A test may list what is no row at all."""
        return next((row for row in self.rows if isinstance(row, dict) and row.get("uuid") == uuid), None)

    def status_of(self, uuid):
        with self.lock:
            return (self._row(uuid) or {}).get("status")

    def error_of(self, uuid):
        with self.lock:
            return (self._row(uuid) or {}).get("lastError")

    def measured_of(self, asn):
        """What was reported last of a session, or None."""
        with self.lock:
            last = self.measured[-1]["sessions"] if self.measured else []
        return next((session for session in last if session["asn"] == asn), None)

    def change(self, uuid, **fields):
        with self.lock:
            self._row(uuid).update(fields)

    def count(self, what):
        with self.lock:
            return sum(1 for request in self.requests if request == what)

    # What the agent sees.
    def serve(self, handler, body):
        what = handler.path.split("?")[0].rsplit("/", 1)[-1]
        with self.lock:
            self.requests.append(what)
            fault = self._faults.get(what) or self._faults.get("*")
        if fault and fault(self, handler) is not AS_USUAL:
            return
        if handler.headers.get("Authorization") != f"Bearer {self.token}":
            self.answer(handler, 401, {"code": 401, "message": "Unauthorized"})
            return
        if what in self._said and handler.command == "GET":
            self.answer(handler, 200, self._said[what])
            return
        action = getattr(self, f"_{what}", None)
        if action is None:
            self.answer(handler, 404, {"code": 404, "message": "Not Found"})
            return
        status, value = action(json.loads(body) if body else None)
        self.answer(handler, status, value)

    @staticmethod
    def answer(handler, status, value, content_type="application/json", headers=()):
        # as they are: what a test wrote as surrogate escapes leaves as the bytes that are no UTF-8
        data = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode(errors="surrogateescape")
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(data)))
        for name, text in headers:
            handler.send_header(name, text)
        handler.end_headers()
        handler.wfile.write(data)

    def _sessions(self, _):
        with self.lock:
            return 200, {"code": 0, "message": "Success", "data": {"bgpSessions": json.loads(json.dumps(self.rows))}}

    def _config(self, _):
        """A node that nothing was allocated to yet: the agent's own file decides all."""
        return 200, {"code": 0, "message": "Success", "data": {
            "node": {"name": "jp1", "id": 0, "region": "", "location": "", "provider": ""},
            "bird": {"poolSize": 5, "poolSizeMax": 64}, "wireguard": {"dn42Ipv4": "", "dn42Ipv6": "", "dn42Ipv6LinkLocal": ""},
            "metric": {"pingTimeout": 5, "pingCount": 4, "pingWorkers": 32}, "autoUpdate": {"enabled": False}}}

    def _heartbeat(self, body):
        with self.lock:
            self.heartbeats.append(body)
        return 200, {"code": 0, "message": "Success", "data": {"received": True, "timestamp": int(time.time() * 1000)}}

    def _rtt(self, body):
        with self.lock:
            self.round_trips.append(body)
        return 200, {"code": 0, "message": "Success", "data": {"received": True, "count": len(body["measurements"])}}

    def _report(self, body):
        with self.lock:
            self.measured.append(body)
        return 200, {"code": 0, "message": "Success", "data": {"received": True, "count": len(body["sessions"])}}

    def _modify(self, body):
        uuid, status, error = body.get("uuid") or body.get("peer_id"), body.get("status"), body.get("lastError")
        with self.lock:
            self.reports.append((uuid, status, error))
            row = self._row(uuid)
            if row is None:
                return 404, {"code": 404, "message": "Not Found"}
            if error is not None and (len(error) > 255 or "\0" in error):
                return 500, {"code": 500, "message": "Internal Server Error"}
            if status == 0:
                self.rows.remove(row)
                return 200, {"code": 0, "message": "Success", "data": {"deleted": True}}
            if status != row["status"] and status not in LEGAL_MOVES.get(row["status"], set()):
                return 422, {"code": 422, "message": "Validation Error"}
            row.update(status=status, lastError=error)
            return 200, {"code": 0, "message": "Success", "data": {"updated": True}}


# Faults: what a control plane in trouble answers.
def garbage(fake, handler):
    fake.answer(handler, 200, b"<html>\x00\xff not what you wanted</html>")


def wrong_envelope(fake, handler):
    fake.answer(handler, 200, {"ok": True, "sessions": []})


def no_list(fake, handler):
    fake.answer(handler, 200, {"code": 0, "message": "Success", "data": {"bgpSessions": None}})


def empty_list(fake, handler):
    fake.answer(handler, 200, {"code": 0, "message": "Success", "data": {"bgpSessions": []}})


def error_500(fake, handler):
    fake.answer(handler, 500, b"Internal Server Error", "text/plain")


def error_429(fake, handler):
    fake.answer(handler, 429, {"code": 429, "message": "Too Many Requests", "retryAfter": 1}, headers=[("Retry-After", "1")])


def half_a_body(fake, handler):
    """Promises the whole list, sends half of it and hangs up."""
    data = _begin_list(fake, handler)
    handler.wfile.write(data[:len(data) // 2])
    handler.wfile.flush()
    handler.close_connection = True


def drip(fake, handler):
    """The right list, a byte at a time: it never stands still, and is whole after minutes."""
    with contextlib.suppress(OSError):
        for byte in _begin_list(fake, handler):
            handler.wfile.write(bytes([byte]))
            if fake.released.wait(0.2):
                break
    handler.close_connection = True


def _begin_list(fake, handler):
    """Sends the head of the list's answer, and returns the body."""
    _, value = fake._sessions(None)
    data = json.dumps(value).encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    return data


def hang_up(_, handler):
    """Takes the request and closes the connection."""
    handler.close_connection = True


def flapping():
    """Of three requests one is hung up on, one gets a 500 and one is answered."""
    turns = itertools.cycle([hang_up, error_500, lambda *_: AS_USUAL])
    return lambda fake, handler: next(turns)(fake, handler)


def hang(fake, handler):
    """Takes the request and says nothing."""
    fake.released.wait(60)
    handler.close_connection = True


def endless(fake, handler):
    """A body without end: the agent's cap must stop it."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    with contextlib.suppress(OSError):
        while not fake.released.is_set():
            handler.wfile.write(b"[" * 65536)
    handler.close_connection = True


def redirect_elsewhere(fake, handler, target=None):
    fake.answer(handler, 302, b"", headers=[("Location", f"{target or fake.url}/elsewhere/sessions")])
