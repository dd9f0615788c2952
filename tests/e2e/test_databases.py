"""Nothing that was answered with success is lost or done twice: kill -9 of the control plane, two of them on one PostgreSQL, and a
PostgreSQL that crashes, all under a load of writes."""
import os
import random
import subprocess
import threading
import time

import pytest

from lab.instance import PROGRAM, Instance, Unknown
from lab.postgresql import PostgreSql
from lab.waiting import wait_for

KEY = "uJskkgsWIKjUdj4GVtWL07j7wGWGrSLW5g3jUjtfgmk="


@pytest.fixture
def server():
    one = PostgreSql()
    yield one
    one.close()


@pytest.fixture
def instances(tmp_path):
    """Makes instances, and ends them."""
    made = []

    def make(database):
        made.append(Instance(tmp_path / f"state{len(made)}", database))
        return made[-1]

    yield make
    for one in made:
        one.process.kill()
        one.process.wait()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    if request.param == "sqlite":
        return tmp_path / "moenet.db"
    return request.getfixturevalue("server").uri()


class Writers:
    """Threads that write what is theirs, and remember what was answered."""

    def __init__(self, plane, first):
        self.plane = plane
        self.added, self.maybe = {}, set()   # asn: uuid; AS numbers without an answer
        self.location = {name: (None, None) for name in ("w0", "w1")}  # node: (answered, sent last)
        self.answered, self.enough, self.stop = 0, threading.Event(), threading.Event()
        self.wanted, self.lock, self.next_asn = 0, threading.Lock(), first
        self.threads = [threading.Thread(target=self.add_sessions) for _ in range(2)]
        self.threads += [threading.Thread(target=self.edit, args=(name,)) for name in self.location]

    def run_until(self, answers):
        self.wanted = answers
        for thread in self.threads:
            thread.start()
        assert self.enough.wait(120), "writes are answered"

    def join(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def count(self):
        with self.lock:
            self.answered += 1
            if self.answered >= self.wanted:
                self.enough.set()

    def add_sessions(self):
        while not self.stop.is_set():
            with self.lock:
                self.next_asn += 1
                asn = self.next_asn
            try:
                status, _, row = self.plane.admin("POST", "/sessions", {
                    "node": "w0", "asn": asn, "publicKey": KEY, "ipv6LinkLocal": "fe80::1", "port": 0, "mpBgp": True})
            except Unknown:
                self.maybe.add(asn)
                return
            assert status == 201, row
            self.added[asn] = row["uuid"]
            self.count()

    def edit(self, name):
        for number in range(1_000_000):
            if self.stop.is_set():
                return
            self.location[name] = (self.location[name][0], str(number))
            try:
                status, _, row = self.plane.admin("PATCH", f"/nodes/{name}", {"location": str(number)})
            except Unknown:
                return
            assert status == 200, row
            self.location[name] = (str(number), str(number))
            self.count()


def test_kill_9_loses_no_answered_write(database, instances):
    plane = instances(database)
    for name in ("w0", "w1"):
        plane.add_node(name)
    seed = random.randrange(1 << 30)
    dice = random.Random(seed)
    print("seed", seed)
    kept, first = {}, 4_200_000_000
    for _ in range(6):
        writers = Writers(plane, first)
        writers.run_until(dice.randrange(1, 60))
        plane.kill()
        writers.join()
        plane.start()
        first = writers.next_asn
        kept.update(writers.added)
        rows = plane.admin("GET", "/sessions")[2]["sessions"]
        there = {row["asn"]: row["uuid"] for row in rows}
        assert len(there) == len(rows)
        assert kept.items() <= there.items()
        assert there.keys() - kept.keys() <= writers.maybe, "nothing that nobody asked for"
        kept = there
        for name, answered_or_sent in writers.location.items():
            location = plane.admin("GET", f"/nodes/{name}")[2]["location"]
            assert location in answered_or_sent or answered_or_sent[0] is None, (name, location, answered_or_sent)


def raise_by_one(instance):
    """One edit of what all edit: the number written; nothing when somebody else was faster, or it is not known."""
    status, headers, row = instance.admin("GET", "/nodes/shared")
    if status != 200:
        return None
    number = int(row["location"]) + 1
    status, _, _ = instance.admin("PATCH", "/nodes/shared", {"location": str(number)}, {"If-Match": headers["ETag"]})
    assert status in (200, 412, 503), status
    return number if status == 200 else None


def test_two_control_planes_on_a_postgresql_that_crashes_lose_and_repeat_nothing(server, instances):
    planes = [instances(server.uri()) for _ in range(2)]
    planes[0].add_node("shared")
    planes[0].admin("PATCH", "/nodes/shared", {"location": "0"})
    begin = planes[0].admin("GET", "/nodes/shared")[2]
    written, lock, stop, failures = [], threading.Lock(), threading.Event(), []

    def edit(instance):
        while not stop.is_set():
            try:
                number = raise_by_one(instance)
            except Unknown:
                continue
            except AssertionError as failure:
                failures.append(failure)
                return
            if number is not None:
                with lock:
                    written.append(number)

    threads = [threading.Thread(target=edit, args=(instance,)) for instance in planes for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for disturb in (planes[1].kill, planes[1].start, server.restart_at_once, server.restart_at_once, lambda: None):
            before = len(written)
            wait_for("edits go on", lambda: failures or len(written) >= before + 20, 120)
            disturb()
        before = len(written)
        wait_for("edits go on", lambda: failures or len(written) >= before + 20, 120)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures, failures[0]
    assert len(set(written)) == len(written), "two edits made the same of the same: one was lost"
    views = [plane.admin("GET", "/nodes/shared")[2] for plane in planes]
    assert views[0]["location"] == views[1]["location"]
    end = views[0]
    assert int(end["location"]) >= max(written)
    assert int(end["location"]) == end["version"] - begin["version"] == end["changes"] - begin["changes"], "each edit once, each counted"


def held_read(plane, node, token):
    """A read of the node that the instance holds, as a thread; its list gets (status, when it was answered)."""
    path = f"/api/v1/agent/{node}/sessions"
    status, headers, _ = plane.ask("GET", path, token=token)
    assert status == 200
    answers = []

    def read():
        answer = plane.ask("GET", path, token=token, headers={"If-None-Match": headers["ETag"], "Prefer": "wait=50"})
        answers.append((answer[0], time.monotonic()))

    thread = threading.Thread(target=read)
    thread.start()
    return thread, answers


def test_a_change_at_one_control_plane_wakes_the_reads_that_wait_at_the_other(server, instances):
    one, two = instances(server.uri()), instances(server.uri())
    token = one.add_node("jp1")
    wait_for("the token at the other", lambda: two.ask("GET", "/api/v1/agent/jp1/config", token=token)[0] == 200)
    for step in ("at first", "after a crash of PostgreSQL"):
        thread, answers = held_read(two, "jp1", token)
        asn = 4_242_420_001 if step == "at first" else 4_242_420_002
        status, _, row = one.admin("POST", "/sessions", {"node": "jp1", "asn": asn, "publicKey": KEY, "ipv6LinkLocal": "fe80::1",
                                                         "port": 0, "mpBgp": True})
        assert status == 201, row
        written = time.monotonic()
        thread.join()
        print(step, f"{1000 * (answers[0][1] - written):.0f} ms")
        assert answers[0][0] == 200
        assert answers[0][1] - written < 5, "sooner than the slow check, which comes each 10 s"
        server.restart_at_once()
        wait_for("both work again", lambda: all(plane.admin("GET", "/nodes")[0] == 200 for plane in (one, two)))
    one.admin("POST", "/nodes/jp1/token?overlap=0")
    wait_for("the old token ends at the other", lambda: two.ask("GET", "/api/v1/agent/jp1/config", token=token)[0] == 401)


def test_the_password_of_a_database_is_not_taken_from_the_command_line(tmp_path):
    told = subprocess.run([PROGRAM, "--state-dir", tmp_path / "state", "serve", "--db", "postgresql://me:secret@127.0.0.1/x"],
                          capture_output=True, text=True, timeout=30, check=False)
    assert told.returncode == 78 and "--db-file" in told.stderr and "secret" not in told.stderr, told


def test_sqlite_moves_to_postgresql_by_one_command(server, tmp_path, instances):
    plane = instances(tmp_path / "moenet.db")
    token = plane.add_node("jp1")
    plane.kill()
    move = [PROGRAM, "copy", "--db", tmp_path / "moenet.db", "--to", server.uri()]
    said = subprocess.run(move, capture_output=True, text=True, timeout=60, check=True).stdout
    assert ["node", "1"] in [line.split() for line in said.splitlines()], said
    again = subprocess.run(move, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 1 and "not empty" in again.stderr, again
    assert instances(server.uri()).ask("GET", "/api/v1/agent/jp1/config", token=token)[0] == 200
    assert os.stat(tmp_path / "moenet.db").st_mode & 0o777 == 0o600
