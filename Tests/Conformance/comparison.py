"""Compares two answers to one request, after what differs by nature was masked."""

import decimal
import json
import re
import time

ABSENT = "<absent>"

# Headers that mean something to clients. Date and Content-Length follow from the rest.
HEADERS = ("content-type", "cache-control", "strict-transport-security", "location",
           "retry-after", "x-vault-namespace", "warning", "allow")

# Seconds that are left: they shrink while the requests are under way.
REMAINING = ("ttl", "lease_duration", "secret_id_ttl")

MASKS = [
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b(?!0001)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)"),
     "<time>"),
    (re.compile(r"\bs\.[A-Za-z0-9]{24}\b"), "<token>"),
    (re.compile(r"\bb\.[A-Za-z0-9_-]{40,}"), "<batch token>"),
    (re.compile(r"\b((?:auth_)?[a-z][a-z0-9-]*)_[0-9a-f]{8}\b"), r"\1_<id>"),
    (re.compile(r"(?<![A-Za-z0-9])h?[0-9a-f]{64}(?![A-Za-z0-9])"), "<hash>"),
    (re.compile(r"(?<![A-Za-z0-9<])(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{24}(?![A-Za-z0-9>])"), "<id>"),
    (re.compile(r"\bv?<version>\+builtin(\.\w+)?"), "<built in>"),
    (re.compile(r"\b127\.0\.0\.1:\d{4,5}\b"), "<address>"),
]
# Positions in a log of which each product writes its own entries.
POSITIONS = ("raft_committed_index", "raft_applied_index", "last_index", "last_term", "index")
DAY = 86_400


def is_number(value):
    return isinstance(value, (int, decimal.Decimal)) and not isinstance(value, bool)


class Masker:
    """What one server calls what both have: its saved values, version and address."""

    def __init__(self, constants, saved):
        """Both: the text → what it is called."""
        self.constants = constants
        self.saved = saved

    def text(self, text):
        known = self.saved
        # Longer first: a lease id holds other ids.
        for value in sorted(known, key=len, reverse=True):
            if len(value) >= 4:
                text = text.replace(value, f"<{known[value]}>")
        for value, name in self.constants.items():
            text = re.sub(rf"(?<![\w.])(v?){re.escape(value)}(?!\w)", rf"\1<{name}>", text)
        for pattern, mask in MASKS:
            text = pattern.sub(mask, text)
        return text

    def member(self, name, value):
        if name in POSITIONS and is_number(value):
            return "<position>"
        if name == "cluster_name" and isinstance(value, str):
            return "<cluster name>"
        if name == "remote_port" and is_number(value) and value > 0:
            return "<port>"
        return self.value(value)

    def value(self, value):
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(name): self.member(name, member)
                    for name, member in value.items()}
        if isinstance(value, list):
            return [self.value(member) for member in value]
        if is_number(value) and abs(value - int(time.time())) < DAY:
            return "<unix time>"
        return value


def parts(answer, masker):
    """What of an answer is compared."""
    headers = {name: masker.text(value) for name, value in answer.headers.items()
               if name in HEADERS}
    found = {"status": answer.status, "headers": headers}
    if answer.json is not None:
        found["body"] = masker.value(answer.json)
    elif answer.body:
        found["text"] = masker.text(answer.body.decode("utf-8", "backslashreplace"))
    return found


def audit_parts(answer, lines, masker):
    """What of an answer's audit lines is compared; of the answer itself only how it went."""
    found = {"status": answer.status, "lines": [line.get("type") for line in lines]}
    for line in lines:
        name = "asked" if line.get("type") == "request" else "answered"
        while name in found:
            name += " again"
        found[name] = masker.value(line)
    return found


def differences(ours, theirs, request, seconds):
    """[(place, theirs, ours)]: where the answers differ. `theirs` is OpenBao's.

    `seconds`: how long ago the first request of either server was; what is left of a lease may
    differ by as much.
    """
    return Differ(request, seconds).run(ours, theirs)


def matches(pattern, place):
    """Whether a place is meant: `*` stands for one member or index."""
    wanted, have = pattern.split("."), place.split(".")
    return len(wanted) == len(have) and all(
        a in ("*", b) for a, b in zip(wanted, have))


class Differ:
    def __init__(self, request, seconds):
        self.request = request
        self.seconds = seconds
        self.found = []

    def run(self, ours, theirs):
        if ours["status"] == theirs["status"]:
            self.compare("", ours, theirs)
            return self.found
        # Answers of different kinds have little in common: they are told apart as wholes.
        for part in dict.fromkeys([*theirs, *ours]):
            pair = ours.get(part, ABSENT), theirs.get(part, ABSENT)
            if pair[0] != pair[1]:
                self.note(part, *pair)
        return self.found

    def note(self, place, ours, theirs):
        self.found.append((place, theirs, ours))

    def named(self, patterns, place):
        return any(matches(f"body.{pattern}", place) for pattern in patterns)

    def compare(self, place, ours, theirs):
        if self.named(self.request.ignored, place):
            if type(ours) is not type(theirs):
                self.note(place, ours, theirs)
        elif isinstance(ours, dict) and isinstance(theirs, dict):
            for name in [*theirs, *(name for name in ours if name not in theirs)]:
                self.compare(f"{place}.{name}" if place else name,
                             ours.get(name, ABSENT), theirs.get(name, ABSENT))
        elif isinstance(ours, list) and isinstance(theirs, list):
            self.lists(place, ours, theirs)
        elif is_number(ours) and is_number(theirs) and ours == theirs:
            return  # 1e3 or 1000
        elif type(ours) is not type(theirs) or ours != theirs:
            if not self.is_rest(place, ours, theirs):
                self.note(place, ours, theirs)

    def lists(self, place, ours, theirs):
        if self.named(self.request.unsorted, place):
            ours = sorted(ours, key=json.dumps)
            theirs = sorted(theirs, key=json.dumps)
        if len(ours) != len(theirs):
            self.note(place, ours, theirs)
            return
        for position, (a, b) in enumerate(zip(ours, theirs)):
            self.compare(f"{place}.{position}", a, b)

    def is_rest(self, place, ours, theirs):
        return (place.rsplit(".", 1)[-1] in REMAINING and type(ours) is int
                and type(theirs) is int and ours > 0 and theirs > 0
                and abs(ours - theirs) <= self.seconds + 1)
