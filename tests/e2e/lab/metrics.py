"""Metrics as a scrape gives them, as docs/metrics.md tells of them, and as queries use them."""
import json
import re
import shutil
import subprocess

from .birdc import ROOT

RULES = ROOT / "packaging/prometheus/moenet-agent.rules.yml"
RULES_TEST = ROOT / "tests/prometheus/moenet-agent.rules_test.yml"
DASHBOARD = ROOT / "packaging/grafana/moenet-agent.json"

_SERIES = re.compile(r'^(moenet_\w+)(?:\{(.*)\})? (\S+)$')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')
_OF_PROMETHEUS = {"instance", "job", "le"}  # labels that the scrape or the type brings


def promtool(*arguments, text=None):
    """(status, output) of promtool."""
    program = shutil.which("promtool")
    assert program, "no promtool on this machine: ./dev setup"
    done = subprocess.run([program, *map(str, arguments)], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout


def parse(text):
    """{(name, ((label, value), …)): float}. A line that is none, or a series that is there twice, is an error."""
    series = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = _SERIES.match(line)
        assert match, f"no series: {line!r}"
        key = match[1], tuple(_LABEL.findall(match[2] or ""))
        assert key not in series, f"twice: {line}"
        series[key] = float(match[3])
    return series


def described():
    """{name: set of labels}, by docs/metrics.md; a histogram by its series."""
    found = {}
    for line in (ROOT / "docs/metrics.md").read_text().splitlines():
        if line.startswith("| `moenet_"):
            name, kind, labels = (cell.strip(" `") for cell in line.split("|")[1:4])
            labels = {label.strip() for label in labels.split(",") if label.strip()}
            for end in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
                found[name + end] = labels
    return found


def _expressions():
    """Every query of the rules and the dashboard."""
    text = RULES.read_text()
    for block in re.findall(r"^ +expr: (?:>-\n((?: {10,}.*\n)+)|(.*)\n)", text, re.M):
        yield " ".join(block).strip()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]


def _selectors(expression):
    """(name, [(label, operator, value)]) of each metric in a query, without what Prometheus or the dashboard brings."""
    for name, braces in re.findall(r"\b(moenet_\w+)(?:\{([^}]*)\})?", expression):
        asked = re.findall(r"(\w+)\s*(=~|!~|!=|=)\s*\"([^\"]*)\"", braces)
        yield name, [condition for condition in asked if condition[0] not in _OF_PROMETHEUS]


def used():
    """{name: set of labels} that rules and dashboard ask of each metric in its own braces, and all labels that they join or group by."""
    names, joined = {}, set()
    for expression in _expressions():
        for name, conditions in _selectors(expression):
            names.setdefault(name, set()).update(label for label, _, _ in conditions)
        for labels in re.findall(r"\b(?:on|by|group_left|ignoring)\s*\(([^)]*)\)", expression):
            joined.update(label.strip() for label in labels.split(",") if label.strip())
    return names, joined - _OF_PROMETHEUS


def _holds(condition, labels):
    label, operator, value = condition
    is_met = re.fullmatch(value, labels.get(label, "")) is not None if "~" in operator else labels.get(label, "") == value
    return is_met != operator.startswith("!")


def finding_nothing(series):
    """What rules and dashboard ask for, as they write it, that no series of a scrape (see parse) answers."""
    found = []
    for name, conditions in (selector for expression in _expressions() for selector in _selectors(expression)):
        candidates = [dict(labels) for of_name, labels in series if of_name == name]
        if not any(all(_holds(condition, labels) for condition in conditions) for labels in candidates):
            found.append(name + "{" + ",".join(f'{label}{operator}"{value}"' for label, operator, value in conditions) + "}")
    return sorted(set(found))
