#!/usr/bin/env python3
"""What the real agent costs on a real node: real BIRD, real wireguard-go, a control plane that answers as deployed ones do. Each
part prints its figures and pass or FAIL against its budget (docs/benchmarks.md):

    setup    100 sessions at once, beside the bare work (bare_setup.py) in the same run
    idle     RSS and CPU of the agent with those 100
    delete   one of 1,000: what was touched, by counting
    restart  an agent with 100 sessions, from its start to READY=1, with and without its filter of system calls
    large    10,000 unchanged sessions: CPU of the whole process for a sync, RSS

1,000 and 10,000 wireguard-go do not fit a machine (5 MB and an inotify instance each, of which a user has 128): there the daemons are
played by `crowd`; links, addresses, BIRD and files are real. Arguments: names of parts. IDLE_SECONDS: how long `idle` looks.
"""
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("MOENET_BUILD", str(ROOT / "build/release"))
sys.path.insert(0, str(ROOT / "tests/e2e"))
# pylint: disable=wrong-import-position
from judging import FAILED, cpu_seconds, judge, memory_mb  # noqa: E402
from lab import FakeControlPlane, Lab, MoenetNode, Space, wait_for  # noqa: E402
from lab.foreign import make_keys  # noqa: E402
from lab.node import BUILD  # noqa: E402

SESSIONS = 100
ROUNDS = int(os.environ.get("ROUNDS", "3"))


class Peer:
    """A foreign operator who never calls: what a setup costs does not depend on him."""

    def __init__(self, n, public_key):
        self.asn, self.public_key, self.address, self.port = 4242420000 + n, public_key, "198.51.100.200", 51000 + n
        self.link_local, self.ipv4, self.ipv6 = f"fe80::{n:x}", None, None


class Bench:
    """A lab with one node and its control plane, with the intervals of production."""

    def __init__(self, lab, quiet_bird=False):
        self.fake = FakeControlPlane(Space(lab, "cp", 2))
        self.node = MoenetNode(lab)
        if quiet_bird:  # BIRD's own work with thousands of peers that never answer is not what is measured
            text = (self.node.folder / "bird.conf").read_text().replace("connect delay time 1;", "passive on; connect delay time 1;")
            (self.node.folder / "bird.conf").write_text(text.replace("scan time 2;", "scan time 3600;"))
            assert self.node.birdc.ask("configure")[0] in (3, 4)
        self.configure()

    def configure(self, **sections):
        # no session here ever works, and none is to become a problem while something else is measured
        self.node.write_config(self.fake.url, self.fake.token, health={"problemAfter": 3600}, controlPlane={
            "syncInterval": 60, "heartbeatInterval": 30, "requestTimeout": 15, "maxRetries": 3}, **sections)

    def rows(self, count, status=4):
        _, public = make_keys()
        return [self.node.row(Peer(n, public), status=status) for n in range(1, count + 1)]

    def put(self, rows):
        with self.fake.lock:
            self.fake.rows[:] = rows

    def crowd(self, count):
        """Sessions that are all in place but for their BIRD files, which the agent writes at its first sync."""
        body = subprocess.run([BUILD / "bench/crowd", "--body", str(count)], stdout=subprocess.PIPE, check=True).stdout
        path = self.node.folder / "body.json"
        path.write_bytes(body)
        self.node.start("crowd", BUILD / "bench/crowd", self.node.folder / "config.json", path)
        log = self.node.folder / "crowd.log"
        wait_for(f"{count} links", lambda: log.read_text() == "ready\n", 300, 0.2)
        self.put(json.loads(body)["data"]["bgpSessions"])

    def in_place(self):
        return self.node.status()["sessions_by_status"].get("ENABLED", 0)


def set_text(node, row):
    """The WireGuard configuration of a row for a daemon's socket."""
    def hexed(key):
        return subprocess.run(["base64", "-d"], input=key.encode(), stdout=subprocess.PIPE, check=True).stdout.hex()
    return (f"set=1\nprivate_key={hexed(node.private_key)}\nlisten_port={row['port']}\nreplace_peers=true\n"
            f"public_key={hexed(json.loads(row['credential'])['public_key'])}\nendpoint={row['endpoint']}\n"
            "persistent_keepalive_interval=25\nreplace_allowed_ips=true\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n\n")


def bare_round(files):
    with Lab() as lab:
        bench = Bench(lab)
        rows = bench.rows(SESSIONS)
        spec = {"devices": [{"name": row["interface"], "alias": f"bare-{row['uuid']}", "set": set_text(bench.node, row),
                             "addresses": [f"{bench.node.link_local}/64"]} for row in rows],
                "files": files, "folder": str(bench.node.folder / "peers"), "bird": bench.node.birdc.path}
        path = bench.node.folder / "spec.json"
        path.write_text(json.dumps(spec))
        done = json.loads(bench.node.run(sys.executable, "-S", ROOT / "bench/bare_setup.py", path, seconds=120))
        assert len(bench.node.birdc.protocols()) >= SESSIONS and len(bench.node.daemons()) == SESSIONS, done
        return done["seconds"]


def agent_round(look_idle):
    """(seconds, CPU of the agent, peer files)"""
    with Lab() as lab:
        bench = Bench(lab)
        agent = bench.node.start_agent()
        bench.node.sync()
        bench.put(bench.rows(SESSIONS))
        cpu, configured, begun = cpu_seconds(agent.pid), bench.node.configured_count(), time.monotonic()
        answer = bench.node.sync()
        seconds, cpu = time.monotonic() - begun, cpu_seconds(agent.pid) - cpu
        assert answer["failed"] == 0 and len(bench.node.daemons()) == SESSIONS, bench.node.agent_log()[-2000:]
        assert set(f"dn42_{4242420000 + n}" for n in range(1, SESSIONS + 1)) <= set(bench.node.birdc.protocols())
        configured = bench.node.configured_count() - configured
        print(f"  agent: {seconds:.2f} s, {cpu * 1e3:.0f} ms of its CPU, {configured} configure", flush=True)
        if configured != 1:
            FAILED.append("one configure for a setup")
        files = {path.name: path.read_text() for path in (bench.node.folder / "peers").iterdir()}
        if look_idle:
            idle(bench, agent)
        return seconds, files


def setup():
    print(f"setup of {SESSIONS} sessions, {ROUNDS} rounds in turn")
    ours, bare = [], []
    for number in range(ROUNDS):
        seconds, files = agent_round(look_idle=number == 0 and "idle" in PARTS)
        ours.append(seconds)
        bare.append(bare_round(files))
        print(f"  bare:  {bare[-1]:.2f} s", flush=True)
    print(f"  medians: agent {statistics.median(ours):.2f} s, bare {statistics.median(bare):.2f} s")
    judge("setup beside the bare work", statistics.median(ours) / statistics.median(bare), 1.3, "times")


def idle(bench, agent):
    wait_for("all are ENABLED", lambda: bench.node.sync() and bench.in_place() == SESSIONS, 60, 1)
    bench.node.sync()
    time.sleep(5)
    seconds = float(os.environ.get("IDLE_SECONDS", "60"))
    before, begun = cpu_seconds(agent.pid), time.monotonic()
    time.sleep(seconds)
    share = (cpu_seconds(agent.pid) - before) / (time.monotonic() - begun) * 100
    judge(f"idle CPU with {SESSIONS} sessions over {seconds:g} s", share, 0.1, "% of a core")
    judge(f"RSS with {SESSIONS} sessions (peak {memory_mb(agent.pid, 'VmHWM'):.1f})", memory_mb(agent.pid), 16, "MB")


def seconds_to_ready(node):
    """Of a fresh agent, as systemd would count them."""
    path = str(node.folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(path)
        notified.settimeout(60)
        begun = time.monotonic()
        node.start_agent(wait=False, NOTIFY_SOCKET=path)
        while b"READY=1" not in notified.recv(4096):
            pass
        seconds = time.monotonic() - begun
    os.unlink(path)
    return seconds


def restart():
    print(f"restart with {SESSIONS} sessions, with and without its filter of system calls, in turn")
    with Lab() as lab:
        bench = Bench(lab)
        bench.put(bench.rows(SESSIONS))
        bench.node.start_agent()
        wait_for("all are ENABLED", lambda: bench.node.sync() and bench.in_place() == SESSIONS, 60, 1)
        seconds, cpu = {True: [], False: []}, {True: [], False: []}
        for number in range(20):
            filters = number % 2 == 0
            assert bench.node.stop_agent() == 0
            bench.configure(sandbox={"seccomp": filters})
            seconds[filters].append(seconds_to_ready(bench.node))
            cpu[filters].append(cpu_seconds(bench.node.agent_process.pid))
            answer = bench.node.sync()
            assert answer["planned"] == 0 and bench.in_place() == SESSIONS, answer
        for filters in (True, False):
            print(f"  {'with' if filters else 'without'}: median {statistics.median(seconds[filters]) * 1e3:.0f} ms, least "
                  f"{min(seconds[filters]) * 1e3:.0f} ms, CPU {statistics.median(cpu[filters]) * 1e3:.0f} ms")
        # the least: what else the machine does is not the agent's
        judge("ready after a restart", min(seconds[True]) * 1e3, 300, "ms")
        judge("what the filter adds", (min(seconds[True]) - min(seconds[False])) * 1e3, 10, "ms")


def link_events(log):
    """Names of the links that `ip monitor` saw change."""
    return sorted(set(re.findall(r"^(?:Deleted )?\d+: (\S+?)(?:@\S+)?:", log.read_text(), re.M)))


def delete():
    print("delete one of 1,000")
    with Lab() as lab:
        bench = Bench(lab, quiet_bird=True)
        bench.crowd(1000)
        agent = bench.node.start_agent()
        bench.node.sync()
        answer = bench.node.sync()
        assert answer["planned"] == 0, answer
        victim = bench.fake.rows[500]
        monitor = bench.node.start("monitor", "ip", "monitor", "link", "address")
        time.sleep(1)
        before = {path.name: path.stat().st_mtime_ns for path in (bench.node.folder / "peers").iterdir()}
        links, configured = set(bench.node.links()), bench.node.configured_count()
        bench.fake.change(victim["uuid"], status=5)
        cpu, begun = cpu_seconds(agent.pid), time.monotonic()
        bench.node.sync()
        seconds, cpu = time.monotonic() - begun, cpu_seconds(agent.pid) - cpu
        time.sleep(0.5)
        after = {path.name: path.stat().st_mtime_ns for path in (bench.node.folder / "peers").iterdir()}
        monitor.kill()
        touched = [name for name in before if after.get(name) != before[name]]
        events = link_events(bench.node.folder / "monitor.log")
        gone = links - set(bench.node.links())
        print(f"  {seconds:.2f} s, {cpu * 1e3:.0f} ms of the agent's CPU; links gone {sorted(gone)}, links with events {events}, files {touched}")
        judge("links touched", len(set(events) | gone), 1, "")
        judge("files touched", len(touched), 1, "")
        judge("configure", bench.node.configured_count() - configured, 1, "")
        assert gone == {victim["interface"]} and touched == [f"dn42_{victim['asn']}.conf"]
        judge("RSS with 1,000 sessions", memory_mb(agent.pid), 64, "MB")


def large():
    print("10,000 unchanged sessions, the whole process")
    with Lab() as lab:
        bench = Bench(lab, quiet_bird=True)
        bench.crowd(10_000)
        agent = bench.node.start_agent(wait=False)
        wait_for("10,000 in place", lambda: bench.in_place() == 10_000 and len(bench.node.birdc.protocols()) > 10_000, 180, 2)
        for _ in range(3):
            answer = bench.node.sync()
        assert answer["planned"] == 0, answer
        configured, spent, same = bench.node.configured_count(), [], []
        stamps = {path: path.stat().st_mtime_ns for path in bench.node.folder.glob("peers/*")}
        for number in range(14):
            if number % 2:  # lists have no stable order: the same rows in another one are read and compared
                bench.put(bench.fake.rows[5000:] + bench.fake.rows[:5000])
            before = cpu_seconds(agent.pid)
            answer = bench.node.sync()
            time.sleep(0.2)
            (spent if number % 2 else same).append((cpu_seconds(agent.pid) - before) * 1e3)
            assert answer["planned"] == 0, answer
        print(f"  CPU per sync, HTTP included: same bytes {statistics.median(same):.0f} ms, same rows in another order "
              f"{statistics.median(spent):.0f} ms")
        judge("CPU of a sync of 10,000", statistics.median(spent), 100, "ms")
        written = sum(1 for path, stamp in stamps.items() if path.stat().st_mtime_ns != stamp)
        judge("files written by 14 syncs", written, 0, "")
        judge("configure in 14 syncs", bench.node.configured_count() - configured, 0, "")
        judge(f"RSS with 10,000 sessions (peak {memory_mb(agent.pid, 'VmHWM'):.1f})", memory_mb(agent.pid), 64, "MB")


PARTS = sys.argv[1:] or ["setup", "idle", "restart", "delete", "large"]
for part in (setup, restart, delete, large):
    if part.__name__ in PARTS:
        part()
print("all within budget" if not FAILED else f"over budget: {', '.join(FAILED)}")
sys.exit(bool(FAILED))
