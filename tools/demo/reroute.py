"""Act three goes on: a link over the sea is cut and joined again, a node is drained and comes back, while peer1 pings peer2."""
import time

from lab import Stream, wait_for
from story import duration


def watch(stage):
    stage.stream = Stream(stage.peer1, stage.peer1.ipv4, stage.peer2.ipv4)


def say_lost(story, stream, mark):
    sent, lost = stream.lost_since(mark)
    story.show(f"{sent} pings, {lost} lost")
    return lost


def cut(stage):
    story, stream = stage.story, stage.stream
    story.chapter("A link over the sea is cut, while peer1 pings peer2 every 50 ms")
    mark, begun = stream.mark(), time.time()
    story.step("cut jp1 ─ de-rr: nothing comes through", lambda: stage.sea.cut(stage.jp1, stage.de))
    story.step("Babel finds the other way, and pings are answered again", lambda: wait_for(
        "an answer", lambda: stream.answers_after(begun + 0.3), 40))
    lost = say_lost(story, stream, mark)
    assert lost > 0, "the link was not cut"
    story.show(f"silence of {duration(stream.longest_silence_since(mark))}; Babel says hello every second and waits for 5 that do not come")
    expect_path(stage, "jp1", "hk-rr", "de-rr", "de2")
    mark = stream.mark()
    story.step("join jp1 ─ de-rr: 12 of 16 hellos later, the short way is back", lambda: (
        stage.sea.join(stage.jp1, stage.de), wait_for_path(stage, "jp1", "de-rr", "de2")))
    expect_none_lost(story, stream, mark)


def wait_for_path(stage, *names):
    wait_for(f"the way over {', '.join(names)}", lambda: stage.path_is(*names), 40)


def expect_path(stage, *names):
    seen = stage.show_path()
    assert seen == [*names, stage.peer2.name], f"the path is {seen}"


def drain(stage):
    story, stream, node = stage.story, stage.stream, stage.jp1
    story.chapter("jp1 is drained for maintenance, then comes back; the pings go on")
    mark = stream.mark()
    story.show(story.step("moenet-agent maintenance start --shutdown --wait, on jp1",
                          lambda: node.agent("maintenance", "start", "--shutdown", "--wait")))
    expect_path(stage, "hk-rr", "de-rr", "de2")
    expect_none_lost(story, stream, mark)
    mark = stream.mark()
    story.show(story.step("moenet-agent maintenance stop --wait", lambda: node.agent("maintenance", "stop", "--wait")))
    story.step("jp1 carries the traffic again", lambda: wait_for_path(stage, "jp1", "de-rr", "de2"))
    expect_none_lost(story, stream, mark)


def expect_none_lost(story, stream, mark):
    wait_for("more answers", lambda: stream.mark() >= mark + 60)  # three seconds of them
    lost = say_lost(story, stream, mark)
    assert lost == 0, f"{lost} packets were lost"
