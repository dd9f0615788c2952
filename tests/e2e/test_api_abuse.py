"""The HTTP of agent and control plane under attack: crowds that say everything slowly or read nothing, what is too large, paths and
requests that two readers see differently, guessed tokens. Meanwhile whoever has business there is answered within ANSWERED_WITHIN
seconds, the reconciler goes on, memory stays bounded, and afterwards all is as before."""
import contextlib
import socket
import time

import pytest

from conftest import World
from lab import ControlPlane, Lab, wait_for
from lab.crowd import Cost, Crowd, raise_file_limit

ANSWERED_WITHIN = 10.0  # seconds, on a busy machine of two cores; without an attack it is a few milliseconds
RECONCILED_WITHIN = 15.0  # what a change of a session takes, which the agent hears of within a second
# MB more than before. Each connection has at most 32 KiB for headers; of the agent's 256 each has 64 KiB of body, those of the control
# plane 64 MiB together; the documents here are small.
MOST_MORE = {"agent": 32, "control plane": 224}
MOST_LEFT = {"agent": 24, "control plane": 96}  # MB that the allocator may keep afterwards
MORE_FILES = 8  # that its own tasks may have open at the one moment and not at the other

CROWDS = [500, pytest.param(10_000, marks=pytest.mark.soak)]


class Victim:
    """A program, where it listens, and how somebody who may asks it something."""

    def __init__(self, name, space, address, process, ask, path):
        self.name, self.space, self.address, self.process, self.ask, self.path = name, space, address, process, ask, path
        raise_file_limit(process.pid, 20_000)
        self.cost = Cost(process.pid)

    def connect(self, seconds=10):
        with self.space.entered():
            return socket.create_connection(self.address, seconds)

    def hear(self, text, seconds=10):
        """All that it says to `text` until it closes, or for half a second has nothing to say."""
        link, heard = self.connect(seconds), b""
        with link:
            with contextlib.suppress(OSError):
                link.sendall(text)
            link.settimeout(0.5)
            with contextlib.suppress(OSError):
                while piece := link.recv(65536):
                    heard += piece
        return heard

    def is_served(self):
        begun = time.monotonic()
        assert self.ask() == 200
        spent = time.monotonic() - begun
        assert spent < ANSWERED_WITHIN, f"answered after {spent:.2f} s"

    @contextlib.contextmanager
    def stays_bounded(self):
        self.is_served()
        files, before = self.cost.files(), self.cost.rss_mb()
        self.cost.forget_peak()
        yield
        grown = self.cost.peak_mb() - before
        assert grown < MOST_MORE[self.name], f"{grown:.1f} MB more than before"
        assert self.process.poll() is None, "it is the process that was"
        wait_for("files as before", lambda: self.cost.files() <= files + MORE_FILES, 20)
        wait_for("memory as before", lambda: self.cost.rss_mb() < before + MOST_LEFT[self.name], 20)
        self.is_served()


@pytest.fixture(scope="module")
def agent():
    with Lab() as lab:
        world = World(lab, "bird2")
        world.foreign_one, world.uuid = world.add()
        world.node.write_config(world.fake.url, world.fake.token, server={"listen": "0.0.0.0:24368", "idleTimeout": 5})
        world.node.start_agent()
        world.reaches(world.uuid, 2)
        victim = Victim("agent", world.node, ("127.0.0.1", 24368), world.node.agent_process,
                        lambda: world.node.api("/maintenance", seconds=20)[0], b"/metrics")
        victim.world = world
        yield victim


@pytest.fixture(scope="module")
def control_plane():
    with Lab() as lab:
        plane = ControlPlane(lab)
        node_token = plane.command("node", "add", "jp1", "--region", "AS-E").splitlines()[-1]
        yield Victim("control plane", plane, (plane.address, 8080), plane.process,
                     lambda: plane.http("GET", "/api/v1/agent/jp1/sessions", token=node_token, seconds=20)[0], b"/")


@pytest.fixture(params=["agent", "control_plane"])
def victim(request):
    return request.getfixturevalue(request.param)


def crowd_of(kind, path):
    """What each of the crowd says first, and what again and again."""
    head = b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n"
    return {"idle": (b"", b""), "first line": (b"GET /", b"a"), "headers": (head + b"X: ", b"a"),
            "body": (b"POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + b"a" * 50_000, b"a"),
            "deaf": ((head + b"\r\n") * 5, b""), "asks without a pause": (head + b"\r\n", head + b"\r\n")}[kind]


@pytest.mark.parametrize("count", CROWDS)
@pytest.mark.parametrize("kind", ["idle", "first line", "headers", "body", "deaf", "asks without a pause"])
def test_a_crowd_keeps_nobody_waiting(victim, kind, count):
    first, drip = crowd_of(kind, victim.path)
    with victim.stays_bounded():
        with Crowd(victim.space, victim.address, count, first, drip) as crowd:
            for _ in range(5):
                victim.is_served()
                time.sleep(0.2)
            if victim.name == "agent":
                reconciles(victim.world)
        assert crowd.came >= count


def reconciles(world):
    """A change of the control plane's comes into force."""
    mtu = 1300 + (world.node.links()[world.node.link_of(world.foreign_one.asn)]["mtu"] - 1299) % 100
    world.fake.change(world.uuid, mtu=mtu)
    wait_for("the reconciler", lambda: world.node.links()[world.node.link_of(world.foreign_one.asn)]["mtu"] == mtu, RECONCILED_WITHIN)


HUGE = {
    "header": (b"GET /status HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", {400, 413, 414, 431}),
    "many headers": (b"GET /status HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 30_000 + b"\r\n", {400, 413, 431}),
    "target": (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {400, 413, 414, 431}),
    "query": (b"GET /status?" + b"a=b&" * 50_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {400, 413, 414, 431}),
    "body": (b"POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + b"a" * 3_000_000, {413}),
    "endless body": (b"POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n" + b"a" * 1000, {400, 413}),
    "chunks": (b"POST /sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"ffff\r\n" + b"a" * 65535 + b"\r\n") * 40 +
               b"0\r\n\r\n", {413}),
}


@pytest.mark.parametrize("what", list(HUGE))
def test_what_is_too_large_is_refused(victim, what):
    text, statuses = HUGE[what]
    with victim.stays_bounded():
        for _ in range(20):
            heard = victim.hear(text)
            # cut off without a word is an answer as well: who says too much may not hear it
            assert heard == b"" or int(heard.split()[1]) in statuses, heard[:200]
            victim.is_served()


TRICKS = ["/sync", "/%73ync", "//sync", "/./sync", "/x/../sync", "/%2e%2e/sync", "/status/../sync", "/status/..%2fsync", "/sync%00",
          "/sync%2f",
          "/sync/", "/sync;x", "/sync?", "/sync#x", "http://127.0.0.1/sync", "http://x@y/sync", "HTTP://x/sync", "\\sync", "/%c0%afsync", "/%",
          "/%zz", "*", "/api/v1/admin/nodes", "/api/v1/admin//nodes", "/api/v1/agent/../admin/nodes", "/api/v1/agent/jp1/..%2f..%2fadmin%2fnodes",
          "/api/v1/agent/%2e%2e/nodes", "/api/v1/agent/jp1%00/sessions", "/api/v1/%61dmin/nodes", "http://x/api/v1/admin/nodes",
          "/assets/../api/v1/admin/nodes", "/assets/..%2f..%2f..%2f..%2fetc%2fpasswd", "/../../../../etc/passwd", "/bootstrap/..%2f..%2fetc%2fpasswd"]
METHODS = ["GET", "POST", "get", "HEAD", "PUT", "DELETE", "TRACE", "CONNECT", "PROPFIND", "OPTIONS"]


def test_no_path_or_method_is_a_way_in(victim):
    with victim.stays_bounded():
        for method in METHODS:
            for target in TRICKS:
                heard = victim.hear(f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                status = int(heard.split()[1]) if heard else 400
                harmless = (method, status) == ("OPTIONS", 204)  # says nothing
                assert 400 <= status < 500 or harmless, f"{method} {target}: {heard[:200]}"
                assert b"root:" not in heard, f"{method} {target}"
        victim.is_served()


INNER = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
SMUGGLED = {
    "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(b"0\r\n\r\n" + INNER),
    "length and chunks": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % len(b"0\r\n\r\n" + INNER),
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    "another coding": b"Transfer-Encoding: xchunked\r\n",
    "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "blank before the colon": b"Transfer-Encoding : chunked\r\n",
    "signed length": b"Content-Length: +5\r\n",
    "length in hexadecimal": b"Content-Length: 0x5\r\n",
    "two hosts": b"Host: y\r\n",
}


@pytest.mark.parametrize("shape", list(SMUGGLED))
def test_nothing_is_smuggled(victim, shape):
    heard = victim.hear(b"POST /sync HTTP/1.1\r\nHost: x\r\n" + SMUGGLED[shape] + b"\r\n" + b"0\r\n\r\n" + INNER)
    assert heard.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 ")), heard
    assert heard.count(b"HTTP/1.1 ") == heard.count(b"HTTP/1.1 400 ") + heard.count(b"HTTP/1.1 413 "), "the one inside was answered"


def test_guesses_at_the_agents_token(agent):
    node, other = agent.world.node, agent.world.foreign_one

    def from_elsewhere(token):
        with other.entered():
            link = socket.create_connection((node.address, 24368), 10)
        with link:
            link.sendall(f"GET /events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
            return int(link.makefile("rb").readline().split()[1])

    assert from_elsewhere("local-token") == 200
    assert [from_elsewhere(f"guess-{i}") for i in range(61)] == [401] * 60 + [429]
    assert from_elsewhere("local-token") == 429, "nobody learns there what is right"
    assert {node.api("/events", token=f"guess-{i}")[0] for i in range(70)} <= {401, 429}
    assert node.api("/events")[0] == 200, "on the node itself it always counts"


def test_guesses_at_the_owners_token(control_plane):
    plane = control_plane.space
    statuses = [plane.http("GET", "/api/v1/nodes", token=f"guess-{i}")[0] for i in range(40)]
    assert set(statuses) <= {401, 429} and statuses[-1] == 429
    assert plane.admin("GET", "/nodes")[0] == 200, "behind a proxy all have one address"
    control_plane.is_served()
