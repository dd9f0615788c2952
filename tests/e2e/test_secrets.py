"""Where keys, passwords and tokens are, and where they never are: arguments and environments, logs, answers, files that others may read,
a core, and memory that has no more use for them."""
import base64
import json
import os
import re
import signal
import struct

from lab import wait_for
from lab.foreign import make_preshared_key

ENABLED, QUEUED_FOR_DELETE = 2, 5
PASSWORD = "a-BGP-password-that-is-seen-nowhere"


def forms_of_key(text):
    """As people, the kernel and a daemon's socket have it."""
    raw = base64.b64decode(text)
    return [text.encode(), raw, raw.hex().encode()]


class Session:
    """One with all secrets that a session can have, in place."""

    def __init__(self, world):
        self.node, self.psk = world.node, make_preshared_key()
        self.foreign, self.uuid = world.add()
        credential = json.dumps({"public_key": self.foreign.public_key, "preshared_key": self.psk})
        world.fake.change(self.uuid, credential=credential, data={"password": PASSWORD})
        self.secrets = [*forms_of_key(self.psk), PASSWORD.encode()]
        self.agent = self.node.start_agent()
        world.reaches(self.uuid, ENABLED)


def found_in(data, secrets):
    return [secret for secret in secrets if secret in data]


def memory_of(pid):
    """All that the process has written to, as a core would hold it: the pages that are there (proc_pid_pagemap(5))."""
    page, whole = os.sysconf("SC_PAGE_SIZE"), []
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory, \
            open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pages:
        for line in maps:
            begin, end, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if not rights.startswith("rw") or "[v" in line:
                continue
            first, last = int(begin, 16) // page, int(end, 16) // page
            entries = os.pread(pages.fileno(), 8 * (last - first), 8 * first)
            for number, (entry,) in enumerate(struct.iter_unpack("<Q", entries), first):
                if entry >> 62:  # present or swapped
                    whole.append(os.pread(memory.fileno(), page, number * page))
    return b"".join(whole)


def test_no_argument_environment_log_answer_or_open_file_has_one(world2):
    session, node = Session(world2), world2.node
    secrets = [*session.secrets, *forms_of_key(node.private_key), world2.fake.token.encode(), b"local-token"]
    daemons = node.daemons()
    assert len(daemons) == 1
    for pid in (session.agent.pid, *daemons.values()):
        for file in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{file}", "rb") as text:
                assert not found_in(text.read(), secrets), f"{file} of {pid}"
    for path in ("/status", "/metrics", "/events", f"/sessions/{session.uuid}", "/sync?wait=1", "/maintenance"):
        code, body = node.api(path)
        assert code == 200 and not found_in(body.encode(), secrets), path
    for words in (["status"], ["status", str(session.foreign.asn)], ["plan"], ["doctor", "--json"], ["check-config"]):
        said = node.agent(*words, check=False)[1]
        assert said and not found_in(said.encode(), secrets), words
    given = {node.key_file, node.folder / "config.json"}  # by this test
    for path in (path for path in node.folder.rglob("*") if path.is_file() and path not in given):
        if found := found_in(path.read_bytes(), secrets):
            is_peer = path.parent.name == "peers" and found == [PASSWORD.encode()]
            assert is_peer or path.parent.name == "state", f"{found} in {path}"
            assert path.stat().st_mode & 0o777 == (0o640 if is_peer else 0o600), path
    assert node.agent_log()


def test_memory_of_a_session_that_is_gone_is_wiped(world2):
    session, node = Session(world2), world2.node
    assert found_in(memory_of(session.agent.pid), session.secrets), "a look that finds nothing says nothing"
    world2.fake.change(session.uuid, status=QUEUED_FOR_DELETE)
    wait_for("nothing of it is left", lambda: not node.traces_of(session.foreign.asn))
    wait_for("the next syncs forget it", lambda: node.sync() and not found_in(memory_of(session.agent.pid), session.secrets), 10, 0.5)
    assert not [path for path in (node.folder / "state").iterdir() if found_in(path.read_bytes(), session.secrets)]


def test_a_crash_leaves_no_core(world2):
    world2.node.start_agent(before=["prlimit", "--core=unlimited"])
    world2.node.agent_process.send_signal(signal.SIGSEGV)
    ended = os.waitid(os.P_PID, world2.node.agent_process.pid, os.WEXITED | os.WNOWAIT)
    assert (ended.si_code, ended.si_status) == (os.CLD_KILLED, signal.SIGSEGV), "else CLD_DUMPED"
