"""differences.txt: where Holdfast answers otherwise than OpenBao, and why that is right."""

import dataclasses
import fnmatch
import json
import pathlib

from comparison import ABSENT

FILE = pathlib.Path(__file__).resolve().parent / "differences.txt"
JUSTIFICATION_MIN = 20


class ListError(Exception):
    """A mistake in differences.txt; the text begins with the place."""


@dataclasses.dataclass
class Known:
    """One listed difference. In `request` and `place`, `*` stands for anything."""

    line: int
    area: str
    request: str
    place: str
    theirs: str
    ours: str
    uses: int = 0

    def covers(self, area, request, place, theirs, ours):
        return (fnmatch.fnmatchcase(area, self.area) and glob(request, self.request)
                and glob(place, self.place) and self.theirs in ("*", text(theirs))
                and self.ours in ("*", text(ours)))


def glob(have, pattern):
    """Only `*` is special: requests are full of brackets."""
    return fnmatch.fnmatchcase(have, pattern.replace("[", "[[]").replace("?", "[?]"))


def text(value):
    """A value as it stands in the list."""
    return value if value == ABSENT else json.dumps(
        value, sort_keys=True, ensure_ascii=False, default=str)


def entry(area, request, found):
    """How differences that are not listed would stand in the list."""
    lines = [f"{area}: {request}"]
    lines += [f"  {place}: {text(theirs)} -> {text(ours)}" for place, theirs, ours in found]
    return "\n".join(lines)


def load(content=None):
    content = FILE.read_text() if content is None else content
    known, reason, request, title = [], None, None, 0
    for number, line in enumerate(content.splitlines(), 1):
        place = f"differences.txt:{number}"
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith("== "):
            check(title, reason)
            reason, request, title = "", None, number
        elif reason is None:
            raise ListError(f"{place}: expected a reason first (== title)")
        elif line.startswith("> "):
            reason += line[2:]
        elif line.startswith("  "):
            if request is None:
                raise ListError(f"{place}: a difference needs a request before it")
            where, colon, values = line.strip().partition(": ")
            theirs, arrow, ours = values.partition(" -> ")
            if not colon or not arrow:
                raise ListError(f"{place}: expected: place: OpenBao's -> Holdfast's")
            known.append(Known(number, *request, where, theirs, ours))
        else:
            area, colon, asked = line.partition(": ")
            if not colon:
                raise ListError(f"{place}: expected: area: METHOD path body")
            request = (area, asked)
    check(title, reason)
    return known


def check(line, reason):
    if reason is not None and len(reason) < JUSTIFICATION_MIN:
        raise ListError(f"differences.txt:{line}: no justification (> text)")
