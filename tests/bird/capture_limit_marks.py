#!/usr/bin/env python3
"""For how long the BIRDs say "[HIT]" of a limit: writes fixtures/bird-VERSION/limit_marks{,_configured}.txt, `show protocols all` of
sessions whose limit was hit, and of which each had something happen to it since; the second after the near end was given other limits
and a `configure`. Root; half a minute. Usage: capture_limit_marks.py BIRD...
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import capture_fixtures as lab

ONE = "export where net = 172.20.2.0/24;"
GRACEFUL = "graceful restart on;"
# name: (near protocol, near channel, far protocol, far channel), and what its near and far channel become (or None)
SESSIONS = {
    "fewer": (("", "import limit 2 action block;", "", ""), None, ONE),
    "graceful": ((GRACEFUL, "import limit 2 action block;", GRACEFUL, ""), None, ONE),
    "raised": (("", "import limit 2 action block;", "", ""), "import limit 20 action block;", None),
    "lowered": (("", "import limit 20 action block;", "", ""), "import limit 2 action block;", None),
    "exact": (("", "import limit 1 action block;", "", ""), None, ONE),
    "warn_fewer": (("", "import limit 2 action warn;", "", ""), None, ONE),
    "link_down": (("", "import limit 2 action block;", "", ""), None, None),
    "disable": (("", "import limit 2 action disable;", "", ""), None, None),
    "receive_fewer": (("", "receive limit 2 action block;", "", ""), None, ONE),
    "over_again": (("", "import limit 2 action block;", "", ""), None, ONE),  # and it is restarted
}
lab.SESSIONS = {f"limit_{name}": says for name, (says, _, _) in SESSIONS.items()}


def config(end, graceful_only=False, is_later=True):
    """The configuration of an end, with what becomes of its channels later: of all, or only of the one that restarts gracefully."""
    before = lab.SESSIONS
    lab.SESSIONS = dict(before)
    for name, (says, near, far) in SESSIONS.items():
        if is_later and (not graceful_only or name == "graceful"):
            lab.SESSIONS[f"limit_{name}"] = (says[0], near or says[1], says[2], far or says[3])
    text = lab.config(end)
    lab.SESSIONS = before
    return text


def reconfigure(bird, folder, namespace, text):
    pathlib.Path(f"{folder}/{namespace}.conf").write_text(text)
    bird.ask("configure")


def marks(bird, name):
    return "[HIT]" in bird.ask("restrict", f"show protocols all dn42_limit_{name}")


def all_are_marked(near):
    names = [name for name in SESSIONS if name not in ("lowered", "warn_fewer")]
    return all(marks(near, name) for name in names)


def make_marks(program, birds, folder, write):
    far, near = birds
    lab.until(lambda: all_are_marked(near))
    # the far end dies and comes back: a graceful restart for the one session, a new one for the others
    far.process.kill()
    far.process.wait()
    os.unlink(far.socket)
    birds[0] = far = lab.Bird(program, folder, lab.FAR, config(2, graceful_only=True))
    is_up = lambda name: "Established" in near.ask(f"show protocols dn42_limit_{name}")
    lab.until(lambda: all(is_up(name) for name in SESSIONS if name != "disable") and all_are_marked(near))
    reconfigure(far, folder, lab.FAR, config(2))
    lab.inside(lab.FAR, "ip", "link", "set", "dev", lab.wire("limit_link_down"), "down")
    time.sleep(3)
    near.ask("restart dn42_limit_over_again")
    lab.until(lambda: is_up("over_again"))
    time.sleep(3)
    write("limit_marks")
    reconfigure(near, folder, lab.NEAR, config(1))
    time.sleep(3)
    write("limit_marks_configured")


def capture(program):
    folder, birds = tempfile.mkdtemp(), []
    try:
        lab.lay_wires()
        birds.append(lab.Bird(program, folder, lab.FAR, config(2, is_later=False)))
        birds.append(lab.Bird(program, folder, lab.NEAR, config(1, is_later=False)))
        version = re.search(r"BIRD (\S+)", birds[1].ask()).group(1)
        target = pathlib.Path(__file__).parent / "fixtures" / f"bird-{version}"

        def write(name):
            (target / f"{name}.txt").write_text(birds[1].ask("restrict", 'show protocols all "dn42_limit_*"'))

        make_marks(program, birds, folder, write)
        print(version, "done")
    finally:
        for bird in birds:
            bird.process.send_signal(signal.SIGTERM)
            bird.process.wait()
        for namespace in (lab.NEAR, lab.FAR):
            subprocess.run(["ip", "netns", "delete", namespace], check=False)
        shutil.rmtree(folder)


if __name__ == "__main__":
    for path in sys.argv[1:]:
        capture(path)
