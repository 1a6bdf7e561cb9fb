"""The case files: what is asked of both servers. README.md says how they are written."""

import dataclasses
import pathlib
import re

CASES = pathlib.Path(__file__).resolve().parent / "cases"
HEADINGS = ("about", "pending", "start", "transport", "needs", "compares")
STARTS = ("initialised", "new")
TRANSPORTS = ("plain", "tls")
NEEDS = ("", "issuer")
COMPARES = ("answers", "audit lines")
# What an area that needs an issuer knows without saving it.
ISSUER_NAMES = {"issuer", "issuer_ca", "jwt_k1", "jwt_none", "jwt_unknown", "jwt_forged",
                "jwt_swapped", "jwt_other"}
CLAUSES = ("as", "showing", "header", "save", "ignore", "unsorted", "until")


class CaseError(Exception):
    """A mistake in a case file; the text begins with the place."""


@dataclasses.dataclass
class Request:
    """One request. Texts may still hold `${…}`."""

    place: str
    method: str
    path: str
    body: str
    token: str = "root"
    certificate: str = ""
    headers: list = dataclasses.field(default_factory=list)
    saves: list = dataclasses.field(default_factory=list)
    ignored: list = dataclasses.field(default_factory=list)
    unsorted: list = dataclasses.field(default_factory=list)
    until: int = 0
    until_text: str = ""

    @property
    def title(self):
        return " ".join(part for part in (self.method, self.path, self.body) if part)


@dataclasses.dataclass
class Section:
    title: str
    requests: list = dataclasses.field(default_factory=list)
    pending: str = ""


@dataclasses.dataclass
class Area:
    """A file of cases: requests about one part of the API, on servers of its own."""

    name: str
    about: str = ""
    pending: str = ""
    start: str = "initialised"
    transport: str = "plain"
    needs: str = ""
    compares: str = "answers"
    sections: list = dataclasses.field(default_factory=list)

    def requests(self):
        return [request for section in self.sections for request in section.requests]


def load(names=()):
    """The areas of these names, or all, in the order of their names."""
    files = {path.stem: path for path in sorted(CASES.glob("*.txt"))}
    unknown = [name for name in names if name not in files]
    if unknown:
        raise CaseError(f"no area named {unknown[0]}; there are: {', '.join(files)}")
    return [parse(path.stem, path.read_text()) for name, path in files.items()
            if not names or name in names]


def parse(name, text):
    return Parser(name).parse(text)


class Parser:
    def __init__(self, name):
        self.area = Area(name)
        self.request = None
        self.place = ""

    def fail(self, text):
        raise CaseError(f"{self.place}: {text}")

    def parse(self, text):
        for number, line in enumerate(text.splitlines(), 1):
            self.place = f"{self.area.name}.txt:{number}"
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if line.startswith("== "):
                self.area.sections.append(
                    Section(line[3:].strip(), pending=self.area.pending))
                self.request = None
            elif not self.area.sections:
                self.heading(line)
            elif line.startswith("pending:") and not self.area.sections[-1].requests:
                self.area.sections[-1].pending = line.partition(":")[2].strip()
            elif line[0] == " ":
                self.clause(line.strip())
            else:
                self.begin(line)
        if not self.area.about:
            self.fail("about: is missing")
        self.check_names()
        return self.area

    def heading(self, line):
        name, colon, value = line.partition(":")
        if not colon or name not in HEADINGS:
            self.fail(f"expected one of {', '.join(HEADINGS)}, or a section (== title)")
        if name == "start" and value.strip() not in STARTS:
            self.fail(f"start: {' or '.join(STARTS)}")
        if name == "transport" and value.strip() not in TRANSPORTS:
            self.fail(f"transport: {' or '.join(TRANSPORTS)}")
        if name == "needs" and value.strip() not in NEEDS:
            self.fail(f"needs: {' or '.join(each for each in NEEDS if each)}")
        if name == "compares" and value.strip() not in COMPARES:
            self.fail(f"compares: {' or '.join(COMPARES)}")
        setattr(self.area, name, value.strip())

    def begin(self, line):
        match = re.fullmatch(r"([A-Za-z]+) +((?:\$\{[^}]*\}|\S)+)(?: +(.*))?", line)
        if not match:
            self.fail("expected: METHOD path [body]")
        self.request = Request(self.place, match[1], match[2], match[3] or "")
        self.area.sections[-1].requests.append(self.request)

    def clause(self, line):
        if self.request is None:
            self.fail("a clause needs a request before it")
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        if word not in CLAUSES or not rest:
            self.fail(f"expected one of: {', '.join(CLAUSES)}")
        if word == "as":
            self.request.token = rest
        elif word == "showing":
            if self.area.transport != "tls":
                self.fail("showing a certificate needs transport: tls")
            self.request.certificate = rest
        elif word == "header":
            name, colon, value = rest.partition(":")
            if not colon:
                self.fail("expected: header Name: value")
            self.request.headers.append((name.strip(), value.strip()))
        elif word == "save":
            name, equals, path = rest.partition("=")
            if not equals:
                self.fail("expected: save name = path.in.the.answer")
            self.request.saves.append((name.strip(), path.strip()))
        elif word == "ignore":
            self.request.ignored.append(rest)
        elif word == "unsorted":
            self.request.unsorted.append(rest)
        else:
            status, _, text = rest.partition(" ")
            if not status.isdigit():
                self.fail("expected: until STATUS [TEXT]")
            self.request.until, self.request.until_text = int(status), text

    def check_names(self):
        """What a request uses was saved by one before it."""
        known = {"root", "nobody", "nonsense", "folder"}
        if self.area.needs == "issuer":
            known |= ISSUER_NAMES
        for request in self.area.requests():
            self.place = request.place
            if request.token not in known:
                self.fail(f"nothing saves {request.token}")
            texts = [request.path, request.body, *(value for _, value in request.headers)]
            for name in re.findall(r"\$\{(\w+)\}", " ".join(texts)):
                if name not in known:
                    self.fail(f"nothing saves {name}")
            known.update(name for name, _ in request.saves)


class Missing(Exception):
    """A value that an earlier answer of this server did not have."""


def expand(text, values):
    """`${name}` → what was saved; `${times 3 ab}` → ababab; `${list 2 "k#":1}` → "k0":1,"k1":1."""

    def replace(match):
        words = match.group(1).split(" ", 2)
        if words[0] == "times":
            return words[2] * int(words[1])
        if words[0] == "list":
            return ",".join(words[2].replace("#", str(n)) for n in range(int(words[1])))
        if match.group(1) not in values:
            raise Missing(match.group(1))
        return values[match.group(1)]

    return re.sub(r"\$\{([^}]*)\}", replace, text)
