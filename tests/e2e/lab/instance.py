"""Instance: a moenet-controlplane on the loopback, with a state folder of its own, worked through its API by threads."""
import http.client
import json
import signal
import socket
import subprocess
import threading

from .node import BUILD
from .waiting import wait_for

PROGRAM = BUILD / "src/moenet-controlplane"


class Unknown(Exception):
    """No answer: whether it was done is not known."""


class Instance:
    def __init__(self, state, database, config=None):
        """`config`: of its file."""
        self.state, self.database = state, database
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.config = state.with_suffix(".json")
        self.config.write_text(json.dumps(config or {}))
        self.config.chmod(0o600)
        self.links = threading.local()
        self.process = None
        self.start()

    def start(self):
        with open(self.state.with_suffix(".log"), "ab") as log:
            self.process = subprocess.Popen([PROGRAM, "-c", self.config, "--state-dir", self.state, "serve", "--db", self.database,
                                             "--listen", f"127.0.0.1:{self.port}"], stdout=log, stderr=log)
        wait_for("the control plane's API", lambda: self.ask("GET", "/health", token="")[0] == 200, 60)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask(self, method, path, body=None, token=None, headers=None, seconds=60):
        """(status, headers, JSON) over this thread's connection."""
        if token is None:
            token = (self.state / "admin-token").read_text().strip()
        link = getattr(self.links, "link", None)
        try:
            if link is None or link.timeout != seconds:
                link = self.links.link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
            link.request(method, path, None if body is None else json.dumps(body), {"Authorization": f"Bearer {token}", **(headers or {})})
            answer = link.getresponse()
            text = answer.read()
            return answer.status, answer.headers, json.loads(text) if text.startswith((b"{", b"[")) else None
        except (OSError, http.client.HTTPException) as error:
            self.links.link = None
            raise Unknown() from error

    def admin(self, method, path, body=None, headers=None):
        return self.ask(method, "/api/v1/admin" + path, body, headers=headers)

    def add_node(self, name):
        status, _, node = self.admin("POST", "/nodes", {"name": name, "region": "AS-E"})
        assert status == 201, node
        return node["token"]
