"""Waiting with a deadline, and a failure that says what was seen last."""
import os
import time

_PATIENCE = float(os.environ.get("MOENET_PATIENCE", "1"))  # programs under a sanitizer are slower


def wait_for(what, look, seconds=20.0, every=0.05):
    """Calls `look` until it returns something true and returns that. An exception counts as "not yet"."""
    begun, seen, seconds = time.monotonic(), None, seconds * _PATIENCE
    while True:
        try:
            seen = look()
            if seen:
                return seen
        except Exception as error:  # pylint: disable=broad-except  # e.g. the socket is not there yet
            seen = repr(error)
        if time.monotonic() - begun > seconds:
            raise AssertionError(f"{what}: not within {seconds:g} s; seen last: {seen}")
        time.sleep(every)


def holds_for(what, look, seconds=1.0, every=0.05):
    """The opposite: `look` stays true for so long. For "nothing happens", where no event could be waited for."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        assert look(), f"{what}: no longer true after {time.monotonic() - begun:.2f} s"
        time.sleep(every)
