"""Text as man(7) wants it: escapes, fonts, and lines that are broken where filled text may be."""

import re
import textwrap

_WIDTH = 78


def escape(text):
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")


def bold(text):
    return f"\\fB{escape(text)}\\fR"


def italic(text):
    return f"\\fI{escape(text)}\\fR"


def inline(markdown):
    """A line of Markdown: code and strong become bold, a link its text."""
    markdown = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", markdown)
    parts = re.split(r"`([^`]+)`|\*\*([^*]+)\*\*", markdown)
    text = ""
    for plain, code, strong in zip(parts[0::3], parts[1::3] + [None], parts[2::3] + [None]):
        text += escape(plain) + (bold(code or strong) if code or strong else "")
    return text


def filled(text):
    """Text of a paragraph, none of whose lines is taken for a request."""
    lines = textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "".join(("\\&" if line[0] in ".'" else "") + line + "\n" for line in lines)


def verbatim(lines):
    return ".PP\n.RS 4\n.nf\n" + "".join(("\\&" if line[:1] in (".", "'") else "") + escape(line) + "\n" for line in lines) + ".fi\n.RE\n"


def entry(term, text):
    """A term and what it means; both are roff already."""
    return f".TP\n{term}\n" + (filled(text) if text else "\\&\n")
