"""What a vault should hold, said in the simplest way, for random walks over real ones.

Nothing here knows how Holdfast works. Where the outcome of a request is not known, the model keeps
everything that may be: a cell has several possible values, a token may be dead or alive. Such a
request could still be applied until the node that has it gives it up, so what became of it is
only taken for settled when that time has passed.
"""

import threading
import time

# A node gives up whatever it has not finished by then: 30 s, and a little for the way.
REQUEST_SECONDS = 32
# How far the vault's time may be from this machine's.
SLACK = 3
ALIVE, DEAD, MAYBE = "alive", "dead", "maybe"


class Cell:
    """One value; after a change whose outcome is not known, one of several."""

    def __init__(self, value):
        self.possible = [value]
        self.changed = 0.0

    @property
    def is_certain(self):
        return len(self.possible) == 1

    @property
    def value(self):
        if not self.is_certain:
            raise AssertionError(f"one of {self.possible}")
        return self.possible[0]

    def set(self, value, known):
        """A change of which it is known, or not, whether it happened."""
        if known:
            self.possible = [value]
            return
        self.changed = time.time()
        if value not in self.possible:
            self.possible.append(value)

    def observe(self, value, begin, what):
        """What an answer said whose request was sent at `begin`."""
        if value not in self.possible:
            raise AssertionError(f"{what}: {value!r}, and possible is {self.possible}")
        if begin > self.changed + REQUEST_SECONDS:
            self.possible = [value]


class Token:
    """A token, and all that decides whether it may be used."""

    def __init__(self, made, parent=None, path="auth/token/create", is_batch=False, uses=None,
                 policies=(), origin=None, is_renewable=True):
        """`made`: the answer's `auth`, and when its request was sent and answered."""
        auth, begin, end = made
        self.text, self.accessor = auth.get("client_token"), auth["accessor"]
        self.entity_id = auth.get("entity_id", "")
        self.ends = (begin + auth["lease_duration"], end + auth["lease_duration"])
        self.parent, self.path, self.is_batch = parent, path, is_batch
        self.is_renewable = is_renewable and not is_batch
        self.is_limited = uses is not None
        self.uses = (uses, uses)
        self.policies, self.origin = policies, origin
        self.revoked = False  # True, or None: perhaps.
        self.doubted = 0.0
        self.may_be_freed = False
        self.renewal_doubted = False
        self.cubbyhole = Cell(None)

    def state(self, begin, end):
        """For a request that was sent and answered at these times."""
        if self.revoked or begin > self.ends[1] + SLACK or self.is_limited and self.uses[1] <= 0:
            return DEAD
        found = ALIVE
        if (self.revoked is None or end > self.ends[0] - SLACK
                or self.is_limited and self.uses[0] <= 0):
            found = MAYBE
        if self.parent is None:
            return found
        above = self.parent.state(begin, end)
        if above == DEAD:
            return MAYBE if self.parent.may_be_freed and not self.is_batch else DEAD
        return MAYBE if above == MAYBE else found

    def state_now(self):
        return self.state(time.time(), time.time())

    def doubt(self):
        if self.revoked is False:
            self.revoked = None
        self.doubted = time.time()

    def end(self, known):
        """It was revoked, or perhaps."""
        if known:
            self.revoked = True
        else:
            self.doubt()

    def observe(self, is_alive, begin, end):
        """What an answer said about it. Dead is for ever."""
        state = self.state(begin, end)
        if state == (DEAD if is_alive else ALIVE):
            raise AssertionError(
                f"{self} is {'used' if is_alive else 'refused'}, and it is {state}")
        if not is_alive:
            self.revoked = True
        elif self.revoked is None and begin > self.doubted + REQUEST_SECONDS:
            self.revoked, self.may_be_freed = False, False

    def spend(self, known):
        if self.is_limited:
            self.uses = (self.uses[0] - 1, self.uses[1] - 1 if known else self.uses[1])

    def renew(self, seconds, begin, end, known):
        new = (begin + seconds, end + seconds)
        if known:
            self.ends = new
        else:
            late = new[1] + REQUEST_SECONDS
            self.ends = (min(self.ends[0], new[0]), max(self.ends[1], late))
            self.renewal_doubted = True

    def __repr__(self):
        kind = "batch token" if self.is_batch else "token"
        return f"{kind} {self.accessor or '-'} of {self.path}, {self.origin}"


class Policy:
    """One policy with all its versions: which of some paths it opens."""

    def __init__(self, name):
        self.name = name
        self.current = Cell(None)
        self.versions = {}  # Number -> what that version opens, where it is known.
        self.written = (0, 0)

    def write(self, opened, known):
        if known:
            # The number is only known if those before are.
            if self.written[0] == self.written[1]:
                self.versions[self.written[0] + 1] = opened
            self.written = (self.written[0] + 1, self.written[1] + 1)
        else:
            self.written = (self.written[0], self.written[1] + 1)
        self.current.set(opened, known)

    def opens(self, number):
        """Whether it opens a path; None: perhaps."""
        found = {bool(each and number in each) for each in self.current.possible}
        return found.pop() if len(found) == 1 else None


class Entity:
    """Whoever logs in by one alias."""

    def __init__(self, identifier):
        self.id = identifier
        self.is_disabled, self.is_there = Cell(False), Cell(True)
        self.policies = Cell(())

    @property
    def is_certain(self):
        return self.is_disabled.is_certain and self.is_there.is_certain


class Method:
    """An auth method with one role, whose holders are one entity."""

    def __init__(self, name, policies):
        self.name, self.policies = name, policies
        self.role_id = f"holder-{name}"
        self.is_enabled, self.is_ready = Cell(False), False
        self.accessor = None
        self.entity = None
        self.entity_doubted = None  # Since when a login may have made one.
        self.tokens = []

    @property
    def is_usable(self):
        return (self.is_ready and self.is_enabled.is_certain and self.is_enabled.value
                and self.entity_doubted is None)


class Mount:
    """A KV mount: its path, or None where it is not mounted."""

    def __init__(self, path):
        self.place, self.was_at = Cell(None), path
        self.is_made = Cell(False)
        self.values = {}

    @property
    def is_certain(self):
        return self.place.is_certain and self.is_made.is_certain


class Sender:
    """Sends requests to one node after another until an answer decides."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.lock = threading.Lock()
        self.sent, self.unknown, self.refused = 0, 0, 0

    def send(self, turn, method, path, body=None, token=None, changes=True):
        """The answer, and when it was asked for and given.

        The answer is None for a change of which nobody can say whether it was done. 503 and a
        connection that was refused say that it was not, and it is sent to the next node.
        """
        deadline = time.monotonic() + 180
        while True:
            if time.monotonic() > deadline:
                raise AssertionError(f"{method} {path}: no node answers")
            node = self.cluster.nodes[turn % len(self.cluster.nodes)]
            turn += 1
            begin = time.time()
            try:
                answer = self.cluster.call(
                    node, method, path, body, token or self.cluster.root_token,
                    timeout=REQUEST_SECONDS + 10)
            except ConnectionRefusedError:
                self.count(refused=1)
                time.sleep(0.03)
                continue
            except OSError:
                if changes:
                    self.count(unknown=1)
                    return None, begin, time.time()
                continue
            if answer.status == 503:
                self.count(refused=1)
                time.sleep(0.03)
                continue
            if answer.status == 409:
                if changes:
                    self.count(unknown=1)
                    return None, begin, time.time()
                continue
            if answer.status >= 500:
                raise AssertionError(f"{node.name}: {method} {path}: {answer.text}")
            self.count(sent=1)
            return answer, begin, time.time()

    def count(self, **changes):
        with self.lock:
            for name, change in changes.items():
                setattr(self, name, getattr(self, name) + change)

    def look(self, turn, method, path, body=None, token=None):
        """A question, which is asked until it is answered."""
        return self.send(turn, method, path, body, token, changes=False)

    def insist(self, turn, method, path, body=None):
        """A change that may as well happen twice."""
        while True:
            answer, _, _ = self.send(turn, method, path, body)
            turn += 1
            if answer is not None:
                if answer.status >= 300:
                    raise AssertionError(f"{method} {path}: {answer.status} {answer.text}")
                return answer.json
