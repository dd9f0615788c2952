"""How the demo tells what happens: chapters, steps with their times, and what programs print."""
import sys
import time

ON_TERMINAL = sys.stdout.isatty()
MARGIN = " " * 13


def paint(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if ON_TERMINAL else text


def duration(seconds):
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


class Story:
    """One line per step: when it began, what happened, how long it took."""

    def __init__(self):
        self.begun = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.begun

    def act(self, text):
        print(f"\n{paint('1;4', text)}", flush=True)

    def chapter(self, text):
        print(f"\n{paint('1', text)}", flush=True)

    def step(self, text, action=None):
        """Does `action` and returns its result. Without one the line says what is shown next."""
        at = time.monotonic()
        when = paint("2", f"{at - self.begun:5.1f} s")
        if ON_TERMINAL:
            print(f"  {when}  … {text}", end="", flush=True)
        result = action() if action else None
        spent = paint("2", f"({duration(time.monotonic() - at)})") if action else ""
        start = "\r\x1b[K" if ON_TERMINAL else ""
        print(f"{start}  {when}  {paint('32', '✓')} {text} {spent}".rstrip(), flush=True)
        return result

    def say(self, text):
        for line in text.strip("\n").split("\n"):
            print(f"{MARGIN}{line}", flush=True)

    def show(self, text, limit=40):
        """What a program printed, or what was measured."""
        for line in text.rstrip("\n").split("\n")[:limit]:
            print(f"{MARGIN}{paint('36', line.rstrip())}".rstrip(), flush=True)
