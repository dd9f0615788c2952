"""KillCampaign: kill -9 of the agent at random moments of set-ups, edits and deletions, and what must be so once it has come back.

A moment is: some rows change, the agent hears of it and is killed at a time drawn from the length of such an apply, at times a second
time while it comes back; then it converges, and nothing is left over, lost or flapped. All is drawn from one seed. Where in its work a
kill hits depends on the machine as well, so a replay draws the same changes and times, and hits about the same places.
"""
import collections
import json
import os
import pathlib
import random
import re
import signal
import time
import uuid

from .space import processes_in_namespace
from .waiting import wait_for

ENABLED, SETUP, DELETE = 2, 4, 5
_AT_ONCE = [1, 1, 2, 2, 3, 4, 6, 30]  # how many sessions change; chosen: mostly few, for many moments, and at times all
_KILLED_AGAIN = 0.3  # the share of moments with a second kill
_CHANGED_AGAIN = 0.25  # and of those whose rows are others again when the agent comes back
_TOO_EARLY, _TOO_LATE = "before it had the list", "after the last report"
_CONVERGES = 30  # seconds; chosen: five times the longest seen on a busy machine
_FILES = {"agent.log", "bird.conf", "bird.ctl", "bird.log", "bird.pid", "config.json", "private.key"} | {
    f"state/{name}" for name in ("lock", "sessions.state", "config.state", "links.state", "mtus.state", "events.journal")}


class KillCampaign:
    def __init__(self, world, faces, seed):
        self.world, self.node, self.fake = world, world.node, world.fake
        self.faces = {face.asn: face for face in faces}
        self.random = random.Random(seed)
        self.seed = seed
        self.rows = {}  # asn: the row as it is wanted; the fake holds the same objects
        self.touched = set()  # in this moment, so that BGP may notice
        self.state = {}  # as the last moment left it
        self.hits = collections.Counter()
        self.base = self.each = 0.0  # seconds of an apply: of any, and of each session that is set up
        self.number = 0

    # What changes.
    def _set_up(self, asn):
        """As a session of its own, also where an earlier one of that AS is not gone yet: the control plane holds one of each AS."""
        row = self.node.row(self.faces[asn], mtu=self.random.randrange(1280, 1421),
                            uuid=str(uuid.UUID(int=self.random.getrandbits(128), version=4)))
        self.rows[asn] = row
        self.fake.rows[:] = [other for other in self.fake.rows if other["asn"] != asn] + [row]

    def _edit(self, asn):
        """A field that stands in the link, or one that stands in BIRD's file. Returns whether BGP may notice."""
        row = self.rows[asn]
        row["status"] = SETUP
        if self.random.random() < 0.5:
            row["mtu"] = self.random.randrange(1280, 1421)
            return False
        row["data"] = {"importLimit": self.random.randrange(1000, 9000)}
        return True

    def _change(self, count):
        """Returns how many sessions are set up of those."""
        made = 0
        with self.fake.lock:
            for asn in self.random.sample(sorted(self.faces), count):
                if asn not in self.rows:
                    self._set_up(asn)
                    made += 1
                elif self.random.random() < 0.5:
                    if not self._edit(asn):
                        continue
                else:
                    self.rows.pop(asn)["status"] = DELETE
                self.touched.add(asn)
        return made

    # One moment.
    def settle(self):
        """Two applies to their end, which tell how long one takes."""
        times = []
        for asns in (list(self.faces)[:2], list(self.faces)[2:22]):
            begun = time.monotonic()
            with self.fake.lock:
                for asn in asns:
                    self._set_up(asn)
            self.node.api("/sync")
            wait_for("the first sessions", self._is_told, _CONVERGES, 0.01)
            times.append(time.monotonic() - begun)
        self.each = max(0.0, (times[1] - times[0]) / 18)
        self.base = max(0.05, times[0] - 2 * self.each)
        self._wait_until_clean()
        self.state = self._state()

    def moment(self):
        self.number += 1
        before, self.touched = self.state, set()
        asked, told = self.fake.count("sessions"), len(self.fake.reports)
        begun = time.monotonic()
        made = self._change(self.random.choice(_AT_ONCE))
        share = self.random.random()
        self.node.api("/sync")
        self._kill_at(begun + share * (self.base + self.each * made), asked, told)
        if self.random.random() < _KILLED_AGAIN:
            asked, told = self.fake.count("sessions"), len(self.fake.reports)
            self.node.start_agent(wait=False)
            self._kill_at(time.monotonic() + self.random.random() * 2 * self.base, asked, told)
        if self.random.random() < _CHANGED_AGAIN:
            self._change(self.random.choice(_AT_ONCE[:-1]))
        self.node.start_agent(wait=False)
        wait_for(f"moment {self.number}: each row has its status", self._is_told, _CONVERGES, 0.02)
        self._wait_until_clean()
        self._check_untouched(before)

    def _kill_at(self, at, asked, told):
        time.sleep(max(0.0, at - time.monotonic()))  # a moment is what is drawn here: nothing is waited for
        self.node.stop_agent(signal.SIGKILL)
        self.hits["kills"] += 1
        place = self._place(asked, told)
        self.hits[place] += 1
        # How long an apply takes changes with what else the machine does: about every eighth kill is to come too late.
        pace = 0.9 if place == _TOO_LATE else 1.015
        self.base, self.each = max(0.02, self.base * pace), self.each * pace

    def _place(self, asked, told):
        """Where in its work the agent was when it died."""
        stage = self.node.folder / "peers/.moenet-stage"
        if self.fake.count("sessions") == asked:
            return _TOO_EARLY
        if (stage / "journal").exists():
            return "while BIRD loads"
        if stage.exists():
            return "while files are staged"
        if self._is_told():
            return _TOO_LATE
        if len(self.fake.reports) > told:
            return "amid reports"
        lines = pathlib.Path(f"/proc/{self.node.pid}/net/dev").read_text(encoding="ascii").splitlines()
        there = {line.split(":")[0].strip() for line in lines}
        missing = {f"dn42_{asn}" for asn in self.rows} - there
        if missing and {f"dn42_{asn}" for asn in self.rows.keys() - self.state.keys()} & there:
            return "amid new links"
        return "before new links" if missing else "links are made, nothing is reported"

    def inside(self):
        """How many kills hit an apply: it had the list, and not told the last outcome."""
        return self.hits["kills"] - self.hits[_TOO_EARLY] - self.hits[_TOO_LATE]

    # What must be so.
    def _is_told(self):
        with self.fake.lock:
            return all(row["status"] == ENABLED for row in self.fake.rows) and len(self.fake.rows) == len(self.rows)

    def _wait_until_clean(self):
        def look():
            faults = list(self._faults())
            assert not faults, "; ".join(faults)
            return True

        wait_for(f"moment {self.number} leaves nothing behind", look, _CONVERGES, 0.05)

    def _faults(self):
        links = {name: link for name, link in self.node.links().items() if name not in ("lo", "eth0")}
        wanted = {f"dn42_{asn}": row for asn, row in self.rows.items()}
        yield from _difference("links", links, wanted)
        for name in links.keys() & wanted.keys():
            link, row = links[name], wanted[name]
            addresses = [a["local"] for a in link["addr_info"]]
            if link["mtu"] != row["mtu"] or "UP" not in link["flags"] or addresses != [self.node.link_local]:
                yield f"{name} has MTU {link['mtu']}, flags {link['flags']}, addresses {addresses}"
            if not link.get("ifalias", "").startswith(f"moenet-agent session/{row['uuid']}"):
                yield f"{name} has the mark {link.get('ifalias')}"
        yield from _difference("sockets", self.node.run("ls", "-A", "/run/wireguard").split(), [f"{name}.sock" for name in wanted])
        yield from self._faults_of_files(wanted)
        yield from self._faults_of_processes(wanted)
        yield from _difference("protocols", [name for name in self.node.birdc.protocols() if name.startswith("dn42_")], wanted)
        if "undo" in self.node.birdc.ask("configure status")[1].lower():
            yield "BIRD waits for a confirmation"
        yield from self._faults_of_rules(wanted)

    def _faults_of_files(self, wanted):
        root = self.node.folder
        found = {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}
        found |= {f"{path.relative_to(root)}/" for path in root.rglob("*") if path.is_dir()} - {"peers/", "state/"}
        files = {f"peers/{name}.conf" for name in wanted}
        yield from _difference("files", found - _FILES, files)
        for name in files & found:
            limit = (self.rows[int(re.search(r"\d{6,}", name)[0])]["data"] or {}).get("importLimit")
            if limit and f"import limit {limit} " not in (root / name).read_text():
                yield f"{name} has another limit than {limit}"

    def _faults_of_processes(self, wanted):
        counts = collections.Counter(" ".join(words) for pid, words in processes_in_namespace(self.node.inode)
                                     if pid not in (self.node.pid, self.node.bird_process.pid, self.node.agent_process.pid) and
                                     words != ["ip", "-j", "-d", "addr", "show"])
        expected = collections.Counter(f"wireguard-go {name}" for name in wanted)
        if counts != expected:
            yield f"processes: {dict(counts - expected)} too many, {dict(expected - counts)} missing"

    def _faults_of_rules(self, wanted):
        listing = json.loads(self.node.run("nft", "-j", "list", "ruleset"))["nftables"]
        yield from _difference("tables", [item["table"]["name"] for item in listing if "table" in item], ["moenet"])
        sets = {item["set"]["name"]: item["set"].get("elem", []) for item in listing if "set" in item}
        yield from _difference("open ports", sets.get("udp_ports", []), [row["port"] for row in wanted.values()])
        yield from _difference("tunnels of the firewall", sets.get("tunnels", []), wanted)

    def _state(self):
        """{asn: what must stay of it}"""
        daemons, protocols, links = self.node.daemons(), self.node.birdc.protocols(), self.node.links()
        return {asn: (daemons[f"dn42_{asn}"], links[f"dn42_{asn}"]["ifindex"], protocols[f"dn42_{asn}"]) for asn in self.rows}

    def _check_untouched(self, before):
        """Same daemon, same link, and where BGP was up, the same session. A session of which only the MTU changed counts as well."""
        self.state = now = self._state()
        for asn in before.keys() & now.keys() - self.touched:
            assert before[asn][:2] == now[asn][:2], f"moment {self.number}: another daemon or link of AS{asn}"
            if before[asn][2]["state"] == "up":
                assert before[asn][2] == now[asn][2], f"moment {self.number}: AS{asn} flapped: {before[asn][2]}, {now[asn][2]}"
                self.hits["Established sessions left alone"] += 1

    def all_work(self):
        """Each session is there, its device has the right peer, and BGP comes up."""
        for asn, row in self.rows.items():
            own, peers = self.node.wireguard(f"dn42_{asn}")
            assert own[1] == self.node.public_key and int(own[2]) == row["port"], own
            assert [peer[0] for peer in peers] == [self.faces[asn].public_key], peers
        for asn in self.rows:
            wait_for(f"BGP with AS{asn}", lambda a=asn: self.node.is_established(a) and self.faces[a].is_established(self.node.asn), 60)


def _difference(what, found, wanted):
    found, wanted = set(found), set(wanted)
    if found != wanted:
        yield f"{what}: {sorted(found - wanted)} too many, {sorted(wanted - found)} missing"


def drawn_seed():
    """KILL_SEED replays a run."""
    return int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(1, 1_000_000))
