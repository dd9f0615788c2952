"""The relay between regions: what the demo's times stand on."""
import time

import pytest

from lab import Sea, Space, Stream, trace


@pytest.fixture
def sea(lab):
    """Two shores, 2×20 ms apart; the second space of the far shore is 2×50 ms away."""
    here, there, far = Space(lab, "here", 1), Space(lab, "there", 11), Space(lab, "far", 12)
    sea = Sea(lab)
    sea.part([here], [there, far], 20)
    sea.delay(here, far, 50)
    sea.here, sea.there, sea.far = here, there, far
    return sea


def round_trip(here, there):
    """The shortest of five, in ms: a busy machine only adds."""
    return min(trace(here, here.address, there.address)[-1][1] for _ in range(5))


def answered(here, there):
    return here.run("ping", "-n", "-c", "2", "-i", "0.1", "-W", "0.5", there.address, check=False)[0] == 0


def test_each_link_has_its_own_delay_and_addresses_stay(sea):
    assert 40 <= round_trip(sea.here, sea.there) < 90
    assert 100 <= round_trip(sea.here, sea.far) < 200
    assert round_trip(sea.there, sea.far) < 20, "one shore needs no ship"
    assert trace(sea.here, sea.here.address, sea.far.address)[-1][0] == sea.far.address


def test_a_cut_link_loses_everything_both_ways_until_it_is_joined(sea):
    sea.cut(sea.there, sea.here)
    assert not answered(sea.here, sea.there) and not answered(sea.there, sea.here)
    assert answered(sea.here, sea.far) and answered(sea.there, sea.far)
    sea.join(sea.here, sea.there)
    assert answered(sea.here, sea.there) and answered(sea.there, sea.here)


def test_a_stream_counts_what_is_lost_and_not_what_is_under_way(sea):
    stream = Stream(sea.here, sea.here.address, sea.there.address, 20)
    mark = stream.mark()
    time.sleep(0.5)
    sent, lost = stream.lost_since(mark)
    assert sent >= 10 and lost == 0
    mark = stream.mark()
    sea.cut(sea.here, sea.there)
    time.sleep(1)
    sea.join(sea.here, sea.there)
    sent, lost = stream.lost_since(mark)
    assert 10 <= lost <= sent
    assert 1 <= stream.longest_silence_since(mark) < 2
    stream.stop()


def test_what_the_relay_does_not_understand_is_said(sea):
    with pytest.raises(RuntimeError, match="sink"):
        sea.tell("sink", sea.here.address, sea.there.address)
