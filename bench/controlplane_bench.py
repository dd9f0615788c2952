#!/usr/bin/env python3
"""What moenet-controlplane bears on one machine with PostgreSQL: 999 nodes, as many as there are ids, of 101 sessions each. Each part
prints its figures and pass or FAIL against its budget (docs/benchmarks.md):

    reads    a node's read of its sessions when nothing changed, beside the whole read of an agent that knows no ETag
    list     pages of the list of sessions, as a person's page asks for them
    reports  heartbeats and reports of all nodes, at their pace, for a while
    waiting  10,000 waiting reads, and an approval that reaches its node meanwhile

The sessions are copies of one that the API made, put into the tables directly. Arguments: names of parts. SECONDS: how long `reports` is.
"""
import json
import os
import pathlib
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("MOENET_BUILD", str(ROOT / "build/release"))
sys.path.insert(0, str(ROOT / "tests/e2e"))
# pylint: disable=wrong-import-position
from judging import FAILED, cpu_seconds, judge, memory_mb  # noqa: E402
from lab.instance import Instance  # noqa: E402
from lab.postgresql import PostgreSql  # noqa: E402

NODES, SESSIONS, WAITING = 999, 101, 10_000
SECONDS = int(os.environ.get("SECONDS", "60"))
KEY = "uJskkgsWIKjUdj4GVtWL07j7wGWGrSLW5g3jUjtfgmk="

# A copy of the one session for each node and number, but for it itself.
COPIES = f"""
INSERT INTO session SELECT (jsonb_populate_record(one, jsonb_build_object(
  'uuid', gen_random_uuid()::text, 'node_id', node.id, 'asn', 4242420000 + number, 'name', 'Peer ' || number, 'status', 2 + number % 2,
  'interface_name', 'dn42_' || number, 'port', 30000 + number, 'ipv6_link_local', 'fe80::' || to_hex(number)))).*
FROM session one, node, generate_series(1, {SESSIONS}) number WHERE number > 1 OR node.id <> one.node_id;
ANALYZE;
"""


class Network:
    def __init__(self, plane, database):
        self.database, self.plane = database, plane
        # Loopbacks for so many nodes need more than the 64 addresses of the default prefix.
        status, _, said = self.plane.admin("PATCH", "/settings", {"ipv4Prefix": "172.20.0.0/16"})
        assert status == 200, said
        self.tokens = {}
        for n in range(1, NODES + 1):
            self.tokens[f"node{n}"] = self.plane.add_node(f"node{n}")
        status, _, row = self.plane.admin("POST", "/sessions", {"node": "node1", "asn": 4242420001, "publicKey": KEY, "port": 30001,
                                                                "ipv6LinkLocal": "fe80::1", "endpoint": "192.0.2.1:51820", "mpBgp": True})
        assert status == 201, row
        self.plane.kill()
        subprocess.run(["psql", "--quiet", "-v", "ON_ERROR_STOP=1", database.uri()], input=COPIES, text=True, check=True)
        self.plane.start()
        self.pid = self.plane.process.pid

    def cpu_of_database(self):
        """Of its processes that live, which those of our connections do."""
        total = 0
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if (process / "cwd").readlink().is_relative_to(self.database.folder):
                    total += cpu_seconds(process.name)
            except OSError:
                pass  # it has ended
        return total

    def sessions_of(self, node, headers=None):
        return self.plane.ask("GET", f"/api/v1/agent/{node}/sessions", token=self.tokens[node], headers=headers)

    def admin(self, method, path, body=None):
        status, headers, answer = self.plane.ask(method, "/api/v1" + path, body)
        assert status in (200, 201), (path, answer)
        return headers, answer


def seconds_of(act):
    begun = time.monotonic()
    act()
    return time.monotonic() - begun


def reads(network):
    whole, unchanged, etags = [], [], {}

    def read(node):
        status, headers, answer = network.sessions_of(node)
        assert status == 200 and len(answer["data"]["bgpSessions"]) == SESSIONS
        etags[node] = headers["ETag"]

    def ask(node):
        status, _, _ = network.sessions_of(node, {"If-None-Match": etags[node]})
        assert status == 304

    for node in network.tokens:
        whole.append(seconds_of(lambda node=node: read(node)))
    for node in network.tokens:
        unchanged.append(seconds_of(lambda node=node: ask(node)))
    middle = statistics.median(unchanged) * 1e3
    judge("a node's read when nothing changed, median", middle, 2, "ms")
    print(f"  the slowest in 100: {sorted(unchanged)[len(unchanged) * 99 // 100] * 1e3:.2f} ms; the whole read, median:"
          f" {statistics.median(whole) * 1e3:.2f} ms, {statistics.median(whole) * 1e3 / middle:.1f} times as long")


def pages(network):
    """[what, path] of what a person's page asks for."""
    first = "/sessions?limit=50"
    cursor = first
    for _ in range(20):
        cursor = f"{first}&after={network.admin('GET', cursor)[1]['next']}"
    return [("the first page", first), ("the 21st page", cursor), ("those of one node", first + "&node=node500"),
            ("those that wait for approval", first + "&status=PENDING"), ("those of one AS number", first + "&asn=4242420050"),
            ("found by a word", first + "&q=Peer%2077"), ("the list of nodes", "/nodes?limit=100")]


def lists(network):
    for what, path in pages(network):
        times = [seconds_of(lambda path=path: network.admin("GET", path)) for _ in range(9)]
        judge(f"of {NODES * SESSIONS:,} sessions, {what}, median", statistics.median(times) * 1e3, 100, "ms")


def report_of(rows, at):
    return {"node_id": "x", "timestamp": at, "sessions": [
        {"name": row["interface"], "type": "bgp", "state": "Established", "info": "", "since": "2026-01-01T00:00:00Z",
         "routes_imported": 900 + at % 50, "routes_exported": 1_100, "uuid": row["uuid"], "asn": row["asn"], "mtu": 1_420,
         "wireguard": {"handshake_age": 42, "rx": at * 99, "tx": at}, "rtt": {"ms": 41.25, "loss": 0.5, "tier": 3}} for row in rows]}


def reports(network):
    """Heartbeats each 30 s and reports each 60 s of every node, evenly spread."""
    rows = {node: network.sessions_of(node)[2]["data"]["bgpSessions"] for node in network.tokens}
    names = list(network.tokens)
    beats, sent = NODES / 30, 0
    cpu, databases, begun, spent = cpu_seconds(network.pid), network.cpu_of_database(), time.monotonic(), 0.0
    while time.monotonic() < begun + SECONDS:
        for step in range(3):  # two heartbeats and a report
            node = names[(sent + step) * 7 % NODES]
            path, body = (f"/agent/{node}/report", report_of(rows[node], int(time.time()))) if step == 2 else (
                f"/agent/{node}/heartbeat", {"node_id": node, "agent_version": "1.0.0", "status": {
                    "version": "1.0.0", "kernel": "Linux", "loadAvg": "0 0 0", "uptime": sent, "timestamp": int(time.time()), "tx": sent,
                    "rx": sent, "tcp": 9, "udp": 9}})
            asked = time.monotonic()
            status, _, said = network.plane.ask("POST", "/api/v1" + path, body, token=network.tokens[node])
            spent = max(spent, time.monotonic() - asked)
            assert status == 200, said
        sent += 3
        time.sleep(max(0, begun + sent / (beats * 1.5) - time.monotonic()))
    took = time.monotonic() - begun
    databases = network.cpu_of_database() - databases
    print(f"  {sent / took:.1f} a second of {beats * 1.5:.1f} for {took:.0f} s; the slowest answer {spent * 1e3:.0f} ms")
    print(f"  CPU of PostgreSQL beside it: {databases / took * 100:.1f} % of a core")
    judge("CPU of the control plane for heartbeats and reports", (cpu_seconds(network.pid) - cpu) / took * 100, 15, "% of a core")


class Held:
    """Waiting reads of all nodes, in one thread."""

    def __init__(self, network, count):
        self.selector, self.links = selectors.DefaultSelector(), []
        etags = {node: network.sessions_of(node)[1]["ETag"] for node in network.tokens}
        names = list(network.tokens)
        for i in range(count):
            node = names[i % NODES]
            link = socket.create_connection(("127.0.0.1", network.plane.port))
            link.sendall(f"GET /api/v1/agent/{node}/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {network.tokens[node]}\r\n"
                         f"If-None-Match: {etags[node]}\r\nPrefer: wait=55\r\n\r\n".encode())
            if i % 50 == 0:  # not faster than they are taken: beyond its queue it refuses
                network.sessions_of(node)
            self.links.append(link)
            self.selector.register(link, selectors.EVENT_READ, node)

    def answered(self, seconds):
        """{node: its reads that have an answer}; empty when none has one within `seconds`."""
        found = {}
        for key, _ in self.selector.select(seconds):
            found.setdefault(key.data, []).append(key.fileobj)
        return found

    def close(self):
        self.selector.close()
        for link in self.links:
            link.close()


def waiting(network):
    before = memory_mb(network.pid)
    begun = time.monotonic()
    held = Held(network, WAITING)
    early = [link for links in held.answered(2).values() for link in links]
    assert not early, f"{len(early)} reads did not wait: {early[0].recv(300)}"
    took = time.monotonic() - begun
    now = memory_mb(network.pid)
    judge(f"RSS with {WAITING:,} waiting reads", now, 100, "MB")
    print(f"  {now - before:.0f} MB more than before; all of them waited after {took:.0f} s")
    times = []
    for n in range(2, 9):
        node, uuid = f"node{n * 100}", None
        for row in network.admin("GET", f"/sessions?limit=200&node=node{n * 100}&status=PENDING")[1]["sessions"]:
            uuid = row["uuid"]
        done = threading.Event()
        begun = time.monotonic()
        approve = threading.Thread(target=lambda uuid=uuid, done=done: (network.admin("POST", f"/sessions/{uuid}/approve", {}), done.set()))
        approve.start()
        found = held.answered(20)
        times.append(time.monotonic() - begun)
        approve.join()
        assert done.is_set() and list(found) == [node], (found, node)
        for link in held.links:
            if held.selector.get_map().get(link.fileno()) and held.selector.get_key(link).data == node:
                held.selector.unregister(link)
    judge("an approval until its node's waiting read is answered, median", statistics.median(times) * 1e3, 200, "ms")
    print("  each: " + ", ".join(f"{one * 1e3:.0f}" for one in times) + " ms")
    held.close()


PARTS = {"reads": reads, "list": lists, "reports": reports, "waiting": waiting}


def main():
    parts = sys.argv[1:] or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # for the control plane too, which inherits it
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with tempfile.TemporaryDirectory() as folder:
        database = PostgreSql()
        try:
            plane = Instance(pathlib.Path(folder) / "state", database.uri(), {"limits": {"connections": WAITING + 1000}})
            try:
                begun = time.monotonic()
                network = Network(plane, database)
                print(f"{NODES} nodes, {NODES * SESSIONS:,} sessions on PostgreSQL, put there in {time.monotonic() - begun:.0f} s",
                      flush=True)
                for part in parts:
                    print(part, flush=True)
                    PARTS[part](network)
            finally:
                plane.process.terminate()
                plane.process.wait()
        finally:
            database.close()
    if FAILED:
        sys.exit("over budget: " + ", ".join(FAILED))
    print("all within budget")


main()
