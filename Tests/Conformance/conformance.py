"""Sends the same requests to a real OpenBao and to Holdfast and compares the answers.

    conformance.py [--list] [AREA ...]

--list shows the differences as they would stand in differences.txt.
"""

import concurrent.futures
import contextlib
import decimal
import json
import pathlib
import sys
import tempfile
import time

import case_file
import comparison
import known_differences
from servers import Certificates, ClusterError, Pair

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Acceptance"))

from issuer import Issuer  # noqa: E402

UNTIL_SECONDS = 60
# What is not built will hardly do it later.
PENDING_SECONDS = 2
# Most of the time of an area is the start of its servers, which wait for elections.
AREAS_AT_ONCE = 3


@contextlib.contextmanager
def outside(area, folder):
    """What both servers of an area find outside of themselves: names for its requests."""
    if area.needs != "issuer":
        yield {}
        return
    issuer = Issuer(folder).start()
    try:
        for kid in ("k1", "k2", ""):
            issuer.add_key(kid)
        issuer.add_key("hidden", publish=False)
        late = {"exp": 4_102_444_800}
        yield {
            "issuer": issuer.url, "issuer_ca": json.dumps(issuer.ca_pem)[1:-1],
            "jwt_k1": issuer.token("k1", late), "jwt_none": issuer.token("", late),
            "jwt_unknown": issuer.token("zz", late, signer="k1"),
            "jwt_forged": issuer.token("k1", late, signer="hidden"),
            "jwt_swapped": issuer.token("k1", late, signer="k2"),
            "jwt_other": issuer.token("k1", late | {"iss": "other"}),
        }
    finally:
        issuer.stop()


class AuditFile:
    """The lines that a server writes to a file device from here on."""

    def __init__(self, server):
        self.path = server.folder / "audit.log"
        server.ask("PUT", "sys/audit/file", {
            "type": "file", "options": {"file_path": str(self.path)}})
        self.place = self.path.stat().st_size

    def lines(self):
        """What was written since the last call."""
        with open(self.path, "rb") as file:
            file.seek(self.place)
            text = file.read()
        self.place += len(text)
        return [json.loads(line, parse_float=decimal.Decimal) for line in text.splitlines()]


class Side:
    """One of the servers while an area runs: what it called the things that were saved."""

    def __init__(self, server, folder, values, has_lines=False):
        self.server = server
        self.audit = AuditFile(server) if has_lines else None
        made = server.certificates
        self.texts = {f"pem {path.stem}": json.dumps(path.read_text())[1:-1]
                      for path in (made.folder.glob("*.pem") if made else ())}
        self.tokens = {"root": server.root_token, "nobody": "", "nonsense": "s.nonsense"}
        self.values = {"root": server.root_token, "folder": str(folder)} | values
        self.constants = server.constants() | {str(folder): "folder"}

    def send(self, request, patience=UNTIL_SECONDS):
        """The answer, or a text that says why there is none."""
        try:
            path, body = (case_file.expand(text, self.values | self.texts)
                          for text in (request.path, request.body))
            headers = [(name, case_file.expand(value, self.values))
                       for name, value in request.headers]
            token = self.tokens.get(request.token, self.values.get(request.token))
            if token is None:
                raise case_file.Missing(request.token)
        except case_file.Missing as missing:
            return f"not asked: no {missing} was in an answer before"
        deadline = time.monotonic() + patience
        while True:
            try:
                answer = self.server.send(request.method, path, body.encode(), token, headers,
                                          request.certificate)
            except OSError as error:
                return f"no answer: {error}"
            is_reached = (request.until in (0, answer.status)
                          and request.until_text.encode() in answer.body)
            if is_reached or time.monotonic() > deadline:
                return answer
            time.sleep(0.1)

    def save(self, request, answer):
        """Keeps what later requests need; returns the names of what is not there."""
        missing = []
        for name, path in request.saves:
            value = answer.at(path)
            if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
                self.values[name] = str(value)
            else:
                missing.append(name)
        return missing

    def parts(self, answer, request):
        saved = {value: name for name, value in self.values.items() if name != "folder"}
        masker = comparison.Masker(self.constants, saved)
        if self.audit:
            lines = self.audit.lines()
            # Of a request that was repeated the last try counts.
            return comparison.audit_parts(answer, lines[-2:] if request.until else lines, masker)
        return comparison.parts(answer, masker)


class SectionRun:
    """What became of the requests of one section."""

    def __init__(self, section):
        self.section = section
        self.same = self.listed = 0
        self.unlisted = []

    @property
    def count(self):
        return len(self.section.requests)

    @property
    def is_pending(self):
        return bool(self.section.pending)


class AreaRun:
    """What became of the requests of one area."""

    def __init__(self, area, known):
        self.area = area
        self.known = known
        self.sections = [SectionRun(section) for section in area.sections]

    def play(self):
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="holdfast-conformance-") as folder:
            made = self.area.transport == "tls" and Certificates(f"{folder}/tls").make_all()
            with Pair(folder, self.area.start, made or None) as pair, \
                    outside(self.area, folder) as values:
                self.began = time.monotonic()
                has_lines = self.area.compares == "audit lines"
                sides = [Side(server, server.folder, values, has_lines)
                         for server in (pair.ours, pair.theirs)]
                for run in self.sections:
                    for request in run.section.requests:
                        self.one(run, request, *sides)
        self.seconds = time.monotonic() - start
        return self

    def one(self, run, request, ours, theirs):
        there = theirs.send(request)
        here = ours.send(request, PENDING_SECONDS if run.is_pending else UNTIL_SECONDS)
        if isinstance(there, str):
            raise case_file.CaseError(f"{request.place}: OpenBao: {there}")
        missing = theirs.save(request, there)
        if missing:
            raise case_file.CaseError(
                f"{request.place}: OpenBao answers without {', '.join(missing)}: "
                f"{there.status} {there.body[:500]!r}")
        if isinstance(here, str):
            run.unlisted.append((request, [("answer", there.status, here)]))
            return
        ours.save(request, here)
        found = comparison.differences(ours.parts(here, request),
                                       theirs.parts(there, request), request,
                                       time.monotonic() - self.began)
        # What is listed is known to differ in areas that are built.
        rest = [each for each in found
                if run.is_pending or not self.is_known(request, each)]
        if rest:
            run.unlisted.append((request, rest))
        elif found:
            run.listed += 1
        else:
            run.same += 1

    def is_known(self, request, found):
        for entry in self.known:
            if entry.covers(self.area.name, request.title, *found):
                entry.uses += 1
                return True
        return False

    def total(self, what):
        """Of `same`, `listed`, `unlisted`, `count`: the sum over the sections that are built."""
        values = [getattr(run, what) for run in self.sections if not run.is_pending]
        return sum(value if isinstance(value, int) else len(value) for value in values)

    def line(self):
        pending = sum(run.count for run in self.sections if run.is_pending)
        state = "FAILED" if self.total("unlisted") else "ok" if self.total("count") else "-"
        return (f"{self.area.name:14} {self.total('count'):4} requests {self.total('same'):4} "
                f"alike {self.total('listed'):4} as listed {self.total('unlisted'):4} otherwise"
                f"{pending:5} pending {self.seconds:6.1f} s  {state}")


def show(run):
    for section in run.sections:
        for request, found in [] if section.is_pending else section.unlisted:
            print(f"\n{request.place}  {request.title[:300]}   as {request.token}")
            for place, theirs, ours in found:
                print(f"  {place}\n    OpenBao:  {known_differences.text(theirs)[:1500]}"
                      f"\n    Holdfast: {known_differences.text(ours)[:1500]}")


def show_as_list(run):
    for section in run.sections:
        for request, found in [] if section.is_pending else section.unlisted:
            print(known_differences.entry(run.area.name, request.title, found))


def verdict(runs, known, is_whole):
    """Prints the totals; returns how many things are wrong."""
    total = {what: sum(run.total(what) for run in runs)
             for what in ("count", "same", "listed", "unlisted")}
    wrong = total["unlisted"]
    print()
    pending = [(run.area.name, section) for run in runs for section in run.sections
               if section.is_pending]
    for name, section in pending:
        print(f"not built: {name}: {section.section.title}: {section.section.pending}; "
              f"{section.same} of {section.count} requests are answered alike")
        if not section.unlisted:
            print("  but all of them are answered alike: take its pending: out")
            wrong += 1
    names = {run.area.name for run in runs}
    for entry in known:
        if not entry.uses and (is_whole or entry.area in names):
            print(f"differences.txt:{entry.line}: no longer differs: {entry.area}: "
                  f"{entry.request}: {entry.place}")
            wrong += 1
    print(f"{total['count']} requests: {total['same']} alike, {total['listed']} differ as listed, "
          f"{total['unlisted']} differ otherwise; {sum(each.count for _, each in pending)} more "
          f"requests in {len(pending)} sections are about what is not built")
    return wrong


def main(words):
    names = [word for word in words if word != "--list"]
    areas = case_file.load(names)
    known = known_differences.load()
    runs = [AreaRun(area, known) for area in areas]
    with concurrent.futures.ThreadPoolExecutor(AREAS_AT_ONCE) as pool:
        for run in pool.map(AreaRun.play, runs):
            print(run.line(), flush=True)
    for run in runs:
        if "--list" in words:
            show_as_list(run)
        else:
            show(run)
    return 1 if verdict(runs, known, is_whole=not names) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (case_file.CaseError, known_differences.ListError, ClusterError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        sys.exit(1)
