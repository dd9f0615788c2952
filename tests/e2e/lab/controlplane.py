"""ControlPlane: moenet-controlplane itself, in a namespace of its own, worked through its commands as an operator would."""
import json
import re

from .foreign import SessionKind
from .node import BUILD
from .space import Space
from .waiting import wait_for

PROGRAM = BUILD / "src/moenet-controlplane"


class ControlPlane(Space):
    def __init__(self, lab, name="cp", number=2, port=8080):
        super().__init__(lab, name, number)
        self.url = f"http://{self.address}:{port}"
        self.state = self.folder / "state"
        self.listen = f"{self.address}:{port}"
        self.process = None
        self.start_server()

    def start_server(self):
        self.process = self.start("controlplane", PROGRAM, "serve", "--db", self.folder / "moenet.db", "--state-dir", self.state,
                                  "--listen", self.listen)
        wait_for("the control plane's API", self.is_healthy, 15, 0.02)

    def is_healthy(self):
        return self.http("GET", "/health")[0] == 200

    def http(self, method, path, body=None, token=None, seconds=10, headers=None):
        """(status, headers, text) of a request made in the control plane's own namespace."""
        import http.client
        with self.entered():
            link = http.client.HTTPConnection(self.address, int(self.listen.rsplit(":", 1)[1]), timeout=seconds)
            link.connect()
        try:
            link.request(method, path, body=None if body is None else json.dumps(body),
                         headers={**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})})
            answer = link.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            link.close()

    def command(self, *arguments, check=True):
        """A command of the operator: over the admin API, with the admin token of the state folder."""
        return self.run(PROGRAM, *arguments, "--url", self.url, "--state-dir", self.state, check=check)
