"""./dev demo: a peering session from cradle to grave, then a backbone of four nodes that loses a link and is drained, and what it knows
of itself, also when a tunnel goes dark, and the page in a browser; on one machine, in network namespaces that are gone afterwards."""
import argparse
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/e2e"))

import backbone  # noqa: E402
import measure  # noqa: E402
import page  # noqa: E402
import peering  # noqa: E402
import reroute  # noqa: E402
from lab import Lab  # noqa: E402
from story import Story, paint  # noqa: E402


def acts_three_and_four(lab, story):
    """Both on one stage. Returns it."""
    stage = backbone.gather(lab, story)
    backbone.join(stage)
    backbone.peer(stage)
    reroute.watch(stage)
    reroute.cut(stage)
    reroute.drain(stage)
    measure.compare(stage)
    measure.ask(stage)
    measure.darken(stage)
    measure.mend(stage)
    stage.stream.stop()
    return stage


def explain(stage):
    node, plane, foreign = stage.jp1, stage.plane, stage.peer1
    print(f"""
It keeps running. Look around (as root):
  on the node       {enter(node)} bash
  its agent         {enter(node)} {node.agent_program()} -c {node.folder}/config.json status
  its BIRD          {enter(node)} birdc -s {node.folder}/bird.ctl show protocols
  its tunnels       {enter(node)} wg
  the page          {enter(plane)} chromium --no-sandbox {plane.url}/
                    (its owner's token is in {plane.state}/admin-token)
  control plane     {enter(plane)} {plane.describe_command('node', 'list')}
  {foreign.name} (not ours)  {enter(foreign)} bash
  cut a link        {stage.sea.describe_command('cut', stage.jp1, stage.de)}
  logs              {stage.lab.folder}/*/*.log
Remove it:          {stage.lab.keep()}""")


def enter(space):
    return f"nsenter --net=/proc/{space.pid}/ns/net --mount=/proc/{space.pid}/ns/mnt --"


def perform(story, act, keep=False):
    """One act on a stage of its own. Returns the exit status."""
    lab = Lab()
    try:
        stage = act(lab, story)
        if keep:
            explain(stage)
    except KeyboardInterrupt:
        print(f"\n{paint('33', 'interrupted: cleaning up')}")
        return 130
    except (AssertionError, RuntimeError, subprocess.SubprocessError) as error:
        print(f"\n{paint('31', 'demo failed:')} {error}")
        for name, text in lab.logs(12):
            print(f"--- {name}\n{text}")
        return 1
    finally:
        lab.close()
    return 0


def main():
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the backbone running and say how to look around")
    parser.add_argument("--bird2", dest="bird", action="store_const", const="bird2", default="bird2",
                        help="BIRD 2 on all routers of acts one and two (default); act three mixes what is there")
    parser.add_argument("--bird3", dest="bird", action="store_const", const="bird3", help="BIRD 3 on all routers of acts one and two")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    story = Story()
    status = (perform(story, lambda lab, _: peering.play(lab, arguments.bird, story)) or
              perform(story, lambda lab, _: page.play(lab, arguments.bird, story)) or
              perform(story, acts_three_and_four, keep=arguments.keep))
    if status == 0 and not arguments.keep:
        print(f"\n{paint('32', 'Done')} in {story.seconds():.1f} s; every namespace, process and file of it is gone.")
    return status


if __name__ == "__main__":
    sys.exit(main())
