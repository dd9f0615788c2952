"""Sections of our documents as man(7): headings, paragraphs, tables whose first column are terms, lists, blocks of code. What is not
in this list is not in the documents."""

import re

from roff import entry, filled, inline, verbatim


def section(text, title):
    """The lines below the heading `## TITLE`, to the next of its kind; of the first heading with title ""."""
    lines = text.splitlines()
    heads = [i for i, line in enumerate(lines) if re.match(r"##? ", line)]
    for i, at in enumerate(heads):
        if lines[at].lstrip("# ") == title:
            return lines[at + 1:heads[i + 1] if i + 1 < len(heads) else len(lines)]
    raise ValueError(f"there is no section {title!r}")


def _cells(line):
    return [cell.strip().replace("\0", "|") for cell in line.replace("\\|", "\0").strip().strip("|").split("|")]


def _table(lines):
    """Term (type; default): meaning. The middle columns are named by the table's head."""
    head = _cells(lines[0])
    written = ""
    for line in lines[2:]:
        cells = _cells(line)
        notes = []
        for name, cell in zip(head[1:-1], cells[1:-1]):
            if cell and cell != "–":
                notes.append(inline(f"default {cell}" if name == "default" else cell))
        written += entry(inline(cells[0]) + (f" ({'; '.join(notes)})" if notes else ""), inline(cells[-1]))
    return written


def to_roff(lines):
    written, i = "", 0
    while i < len(lines):
        line = lines[i]
        if line.startswith("```"):
            end = lines.index("```", i + 1)
            written += verbatim(lines[i + 1:end])
            i = end + 1
            continue
        if not line.strip():
            i += 1
            continue
        kind = "|" if line.startswith("|") else "-" if line.startswith("- ") else ""
        end = i + 1
        while end < len(lines) and lines[end].strip() and not lines[end].startswith("```") and not (kind == "-" and lines[end].startswith("- ")):
            end += 1
        if kind == "|":
            written += _table(lines[i:end])
        elif kind == "-":
            written += ".IP \\(bu 2\n" + filled(inline(" ".join(part.strip() for part in lines[i:end])[2:]))
        else:
            written += ".PP\n" + filled(inline(" ".join(part.strip() for part in lines[i:end])))
        i = end
    return written
