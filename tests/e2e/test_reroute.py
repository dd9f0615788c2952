"""A mesh link is cut: traffic goes around it in Babel's time and no more, and comes back without a loss."""
import time

from lab import BackboneNode, ControlPlane, Sea, Stream, answer_traces, trace, wait_for
from lab.waiting import holds_for


def way(node, other):
    return [address for address, _ in trace(node, node.ipv4, other.ipv4)]


def test_a_cut_link_is_routed_around_and_taken_again(lab):
    plane, sea = ControlPlane(lab, number=90), Sea(lab)
    here, middle, there = nodes = [BackboneNode(lab, plane, name, number, region, True, bird) for name, number, region, bird in (
        ("jp1", 1, "AS-E", "bird2"), ("hk-rr", 2, "AS-E", "bird3"), ("de-rr", 11, "EU-C", "bird3"))]
    sea.part([here, middle], [there], 1)
    for node in nodes:
        answer_traces(node)
        node.come_up()
    wait_for("the direct way", lambda: way(here, there) == [there.ipv4], 40, 0.2)
    time.sleep(16)  # Babel remembers 16 hellos of 1 s: a link of long standing is what takes the longest to be given up

    stream = Stream(here, here.ipv4, there.ipv4)
    mark = stream.mark()
    sea.cut(here, there)
    wait_for("the way around", lambda: way(here, there) == [middle.ipv4, there.ipv4], 16, 0.2)
    sent, lost = stream.lost_since(mark)
    assert 0 < lost < sent and stream.longest_silence_since(mark) < 16, "later than BFD ends a session"

    mark = stream.mark()
    sea.join(here, there)
    wait_for("the direct way again", lambda: way(here, there) == [there.ipv4], 30, 0.2)
    holds_for("nothing is lost on the way back", lambda: stream.lost_since(mark)[1] == 0, 1.0)
    stream.stop()
