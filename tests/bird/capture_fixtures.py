#!/usr/bin/env python3
"""What the BIRDs really say: writes fixtures/bird-VERSION/{faults*,route_*}.txt, raw replies of the control socket.

Two BIRDs of one version in two network namespaces, a pair of veths for each session, and everything that can go wrong
between them. Root; half a minute. Usage: capture_fixtures.py BIRD...
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

OURS, THEIRS = 4242420000, 4242420100
NEAR, FAR = "moenet-near", "moenet-far"
KEPT = "import keep filtered; import filter { if net ~ [ 172.20.66.0/24+ ] then reject; accept; }; export all;"
LIMITS = {f"{kind}_{action}": f"{kind} limit 2 action {action};"
          for kind in ("import", "receive", "export") for action in ("block", "disable", "restart")}
LIMITS["import_warn"] = "import limit 2 action warn;"

# name: (what the near end says more in its protocol, in its channel; the same of the far end; or None for no far end)
SESSIONS = {
    "up": ("", KEPT + " import limit 9000 action block; receive limit 10000 action block;"
           " export limit 5000 action warn;", "", ""),
    "second": ("", "", "", "export filter { bgp_path.prepend(4242429999); bgp_path.prepend(4242429998); accept; };"),
    "refused": ("", "", None, ""),
    "no_host": ("neighbor fe80::99", "", None, ""),
    "no_interface": ("interface nowhere", "", None, ""),
    "passive": ("passive;", "", None, ""),
    "their_as": ("neighbor as 4242429000", "", "", ""),
    "our_as": ("", "", "neighbor as 4242429000", ""),
    "shut": ("", "", "", ""),
    "shut_silently": ("", "", "", ""),
    "disabled": ("", "", "", ""),
    "disabled_reason": ("", "", "", ""),
    "bfd": ("bfd;", "", "bfd;", ""),
    "cable": ("", "", "", ""),
    "hold": ("hold time 3; keepalive time 1;", "", "hold time 3; keepalive time 1;", ""),
    "md5": ('password "a";', "", 'password "b";', ""),
    "families": ("", "", "", "ONLY_V6"),
    "restarted": ("", "", "", ""),
} | {f"limit_{name}": ("", text, "", "") for name, text in LIMITS.items()}


def run(*command):
    subprocess.run(command, check=True)


def inside(namespace, *command):
    run("ip", "netns", "exec", namespace, *command)


class Bird:
    def __init__(self, program, folder, namespace, config):
        self.socket, file = f"{folder}/{namespace}.ctl", pathlib.Path(f"{folder}/{namespace}.conf")
        file.write_text(config)
        self.process = subprocess.Popen(["ip", "netns", "exec", namespace, program, "-f", "-c", file, "-s", self.socket,
                                         "-P", f"{folder}/{namespace}.pid"])
        until(lambda: os.path.exists(self.socket))

    def ask(self, *commands):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(self.socket)
            reply = self.read(control)
            for command in commands:
                control.sendall(command.encode() + b"\n")
                reply = self.read(control)
        return reply

    @staticmethod
    def read(control):
        reply = b""
        while not re.search(rb"(^|\n)\d{4} [^\n]*\n\Z", reply):
            got = control.recv(65536)
            assert got, reply
            reply += got
        return reply.decode()


def until(holds):
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def wire(name):
    return f"dn42_{list(SESSIONS).index(name)}"


def protocol(name, end, ours, theirs, says, channel):
    """One session's protocol at one end; what it `says` may replace the neighbor."""
    neighbor = f"neighbor fe80::{3 - end} as {theirs};"
    interface = f'interface "{wire(name)}";'
    if says.startswith("neighbor as"):
        neighbor, says = f"neighbor fe80::{3 - end} as {says.split()[-1]};", ""
    elif says.startswith("neighbor"):
        neighbor, says = f"{says} as {theirs};", ""
    elif says.startswith("interface"):
        interface, says = f'interface "{says.split()[-1]}";', ""
    common = "import all; export filter { if source = RTS_STATIC then accept; reject; };"
    only_v6 = channel == "ONLY_V6"
    families = "" if only_v6 else f"ipv4 {{ {common} {channel} extended next hop; }};"
    if end == 1 and name == "families":
        families, only_v6 = families.replace("ipv4 {", "ipv4 { mandatory yes;"), True
    if name in ("up", "second"):
        families += f" ipv6 {{ {common} {channel.replace('172.20.66.0/24+', 'fd66::/16+')} }};"
    elif only_v6 and end == 2:
        families += f" ipv6 {{ {common} }};"
    return (f"protocol bgp dn42_{name} {{ local fe80::{end} as {ours}; {neighbor} {interface} direct; strict bind;\n"
            f"  connect delay time 1; connect retry time 2; {says}\n  {families} }}\n")


def networks(end):
    letter = "abc"[end]
    text = f"protocol static s4 {{ ipv4; route 172.20.{end}.0/24 unreachable;"
    text += "".join(f" route 172.20.6{n}.0/24 unreachable;" for n in range(4 + end, 8))
    if end == 2:
        text += " route 172.20.200.0/24 unreachable { bgp_community = -empty-;"
        text += "".join(f" bgp_community.add((64511, {n}));" for n in range(1, 61))
        text += "".join(f" bgp_large_community.add((4242420100, {n}, 4294967295));" for n in range(1, 31))
        text += " bgp_ext_community.add((rt, 64511, 7)); bgp_ext_community.add((generic, 0x43000000, 0x1));"
        text += " bgp_med = 50; bgp_origin = ORIGIN_INCOMPLETE; };"
        text += " route 172.20.201.0/24 unreachable {" + " bgp_path.prepend(4242421111);" * 60 + " };"
    else:
        text += (" route 172.20.210.0/24 via 10.0.0.2 via 10.0.0.3;"
                 " route 172.20.211.0/24 blackhole; route 172.20.212.0/24 prohibit;")
    return text + (f" }}\nprotocol static s6 {{ ipv6; route fd{letter}0::/48 unreachable;"
                   " route fd66::/32 unreachable; }\n")


def config(end):
    ours, theirs = (OURS, THEIRS) if end == 1 else (THEIRS, OURS)
    text = f"router id 10.0.0.{end};\nprotocol device {{ }}\nprotocol bfd {{ }}\n" + networks(end)
    for name, says in SESSIONS.items():
        if says[2 * (end - 1)] is not None:
            text += protocol(name, end, ours, theirs, *says[2 * (end - 1):2 * end])
    text += (f"protocol bgp ibgp_far {{ local 10.0.0.{end} as {OURS}; neighbor 10.0.0.{3 - end} as {OURS}; multihop; "
             f"{'rr client;' if end == 1 else ''} connect delay time 1; strict bind;\n"
             "  ipv4 { import all; export where source = RTS_STATIC; next hop self; };\n"
             "  ipv6 { import all; export where source = RTS_STATIC; next hop self; }; }\n")
    text += ('protocol babel mesh { ipv4 { import all; export none; }; ipv6 { import all; export none; };'
             ' interface "wire" { type wired; }; }\n')
    if end == 1:
        text += ("protocol direct lo { ipv4; ipv6; interface \"wire\"; }\n"
                 "protocol kernel k4 { ipv4 { export all; }; }\n"
                 "roa4 table roas;\nprotocol rpki cache { roa4 { table roas; }; remote 10.0.0.2 port 323; retry 5; }\n"
                 "ipv4 table aside;\nprotocol pipe p { table master4; peer table aside; import none;"
                 " export where net = 172.20.1.0/24; }\n"
                 'protocol static described { description "a text: with Routes: 5 imported"; ipv4;'
                 ' route 172.20.250.0/24 unreachable; }\n')
    return text


def lay_wires():
    for namespace in (NEAR, FAR):
        run("ip", "netns", "add", namespace)
        inside(namespace, "ip", "link", "set", "lo", "up")
        inside(namespace, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
    for name in [*map(wire, SESSIONS), "wire"]:
        run("ip", "link", "add", name, "netns", NEAR, "type", "veth", "peer", "name", name, "netns", FAR)
        for end, namespace in ((1, NEAR), (2, FAR)):
            inside(namespace, "ip", "link", "set", "dev", name, "addrgenmode", "none", "up")
            inside(namespace, "ip", "address", "add", f"fe80::{end}/64", "dev", name, "nodad")
            if name == "wire":
                inside(namespace, "ip", "address", "add", f"10.0.0.{end}/24", "dev", name)


def make_faults(near, far, write):
    until(lambda: near.ask("show protocols").count("Established") >= 14)
    time.sleep(4)  # limits are hit and neighbors are found missing
    far.ask('disable dn42_shut "maintenance till 5"')
    far.ask("disable dn42_shut_silently")
    until(lambda: near.ask('show protocols "dn42_shut*"').count("Received: Administrative shutdown") == 2)
    write("faults_at_once", 'show protocols all "dn42_shut*"')
    near.ask("disable dn42_disabled")
    near.ask('disable dn42_disabled_reason "we moved"')
    far.ask("restart dn42_restarted")
    inside(FAR, "nft", "add table inet t { chain c { type filter hook output priority 0; }; }")
    inside(FAR, "nft", "add rule inet t c oifname " + wire("bfd") + " udp dport 3784 drop")
    inside(FAR, "nft", "add rule inet t c oifname " + wire("hold") + " tcp dport 179 drop")
    inside(FAR, "nft", "add rule inet t c oifname " + wire("hold") + " tcp sport 179 drop")
    inside(FAR, "ip", "link", "set", "dev", wire("cable"), "down")
    until(lambda: "Hold timer" in near.ask("show protocols dn42_hold"))
    time.sleep(2)


def capture(program):
    folder, birds = tempfile.mkdtemp(), []
    try:
        lay_wires()
        birds = [Bird(program, folder, FAR, config(2)), Bird(program, folder, NEAR, config(1))]
        far, near = birds
        time.sleep(5)
        version = re.search(r"BIRD (\S+)", near.ask()).group(1)
        target = pathlib.Path(__file__).parent / "fixtures" / f"bird-{version}"

        def write(name, command):
            (target / f"{name}.txt").write_text(near.ask("restrict", command))

        make_faults(near, far, write)
        for name, command in {
            "faults": "show protocols all",
            "route_best": "show route for 172.20.2.7",
            "route_best_all": "show route for 172.20.2.7 all",
            "route_communities": "show route for 172.20.200.1 all primary",
            "route_long_path": "show route for 172.20.201.1 all primary",
            "route_hops": "show route for 172.20.210.9 all",
            "route_hole": "show route for 172.20.211.9 all",
            "route_v6": "show route for fdc0::1 all",
            "route_none": "show route for 9.9.9.9 all",
            "route_tables": "show route for 172.20.1.1 table all all",
            "route_no_table": "show route for 172.20.1.1 table nowhere all",
        }.items():
            write(name, command)
        print(version, "done")
    finally:
        for bird in birds:
            bird.process.send_signal(signal.SIGTERM)
            bird.process.wait()
        for namespace in (NEAR, FAR):
            subprocess.run(["ip", "netns", "delete", namespace], check=False)
        shutil.rmtree(folder)


if __name__ == "__main__":
    for path in sys.argv[1:]:
        capture(path)
