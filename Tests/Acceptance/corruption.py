"""Random damage to any file of one node of three: no wrong read, no false "not found", no short
list, and the node is whole again without an operator (but for the shares that unseal it).

Each corruption is one change to one file; a round makes 1 to 12 of them to the one node while it is
down, and ends when everything on it was looked over and it is a full member again.
HOLDFAST_TEST_SEED repeats a run's choices, as far as the files are the same;
HOLDFAST_TEST_KEEP=DIR keeps what a failed round left.
"""

import collections
import os
import pathlib
import shutil
import socket
import subprocess
import time

from database_file import DatabaseFile
from support import ClusterError, ClusterTest, wait_until

FOLDERS, NAMES = 4, 25
PAGE = 4_096
# What tells anybody whether there is a vault.
VAULT_CALLS = ("sys/init", "sys/seal-status", "sys/health")


def flip_bits(random, data):
    for _ in range(random.choice((1, 1, 8, 200))):
        at = random.randrange(len(data))
        data[at] ^= 1 << random.randrange(8)


def zero_pages(random, data):
    at = random.randrange(len(data)) // PAGE * PAGE
    count = random.choice((1, 1, 16))
    for position in range(at, min(len(data), at + count * PAGE)):
        data[position] = 0


def scramble_sector(random, data):
    at = random.randrange(len(data)) // 512 * 512
    for position in range(at, min(len(data), at + 512)):
        data[position] = random.randrange(256)


def misdirect_page(random, data):
    """A page that was written to the wrong place."""
    source = random.randrange(len(data)) // PAGE * PAGE
    target = random.randrange(len(data)) // PAGE * PAGE
    page = bytes(data[source : source + PAGE])
    for offset, byte in enumerate(page[: len(data) - target]):
        data[target + offset] = byte


IN_PLACE = [flip_bits, flip_bits, zero_pages, scramble_sector, misdirect_page]
# Writes between the first moment of the old pages and the one at which one of them comes back.
LATER_WRITES = 12
# How often it is such a page: as often as each other kind that leaves the file as long as it was.
STALE = 0.16


class OldPages:
    """What the pages of a node's database were at the last moments, so that one can come back: the
    disk has said that it wrote the page, and has not."""

    def __init__(self, folder):
        self.folder = folder
        self.moments = collections.deque(maxlen=LATER_WRITES + 2)
        self.live = {}

    def remember(self):
        self.moments.append({path: DatabaseFile(path).before for path in self.databases()})

    def look(self):
        """Where the rows of the state are now; before anything is damaged."""
        self.live = {
            path: {row.start for row in DatabaseFile(path).table("state")}
            for path in self.databases()
        }

    def put_back(self, random):
        """One page as it was before it was written last; its file and number, or None. Mostly one
        that holds rows: of the others many are free."""
        earlier = []
        for path, live in self.live.items():
            size = max(len(moment.get(path, b"")) for moment in self.moments)
            now = self.read(path, size) if path.exists() else b""
            for start in range(0, len(now) // PAGE * PAGE, PAGE):
                page = self.last_other(path, start, now[start : start + PAGE])
                if page:
                    earlier.append((start in live, path, start, page))
        rows = [each for each in earlier if each[0]]
        if not earlier:
            return None
        _, path, start, page = random.choice(rows if rows and random.random() < 0.8 else earlier)
        with open(path, "r+b") as file:
            file.seek(start)
            file.write(page)
        return path, start // PAGE

    def last_other(self, path, start, now):
        """The newest of what a page was that is not what it is."""
        for moment in reversed(self.moments):
            page = moment.get(path, b"")[start : start + PAGE]
            if len(page) == PAGE and page != now and any(page):
                return page
        return None

    def databases(self):
        # One that was rebuilt or compacted has another name, or begins anew.
        return sorted(self.folder.glob("holdfast*.mdb"))

    @staticmethod
    def read(path, size):
        with open(path, "rb") as file:
            return file.read(size)


class CorruptionTest(ClusterTest):
    """Rounds of damage to one node, in which every answer must be right or an error."""

    # A folder for what a failed round leaves: the damaged data as it was, and the nodes' logs.
    keep = os.environ.get("HOLDFAST_TEST_KEEP")
    # The node's own key is its identity: nobody else may have a copy to repair it from.
    identity = ("node.key", "node-key.pem", "lock")
    # What a node says when it found damage, and what became of it.
    signs = {
        "damage found": "found", "repaired:": "repaired", "was put aside": "rebuilt",
        "the log is whole again": "log repaired", "walking the database": "walked",
        "a new one is made": "certificate made anew",
    }

    def corrupt(self, corruptions):
        """Makes so many, in rounds, and prints what became of them."""
        # Each node with a certificate that it has made itself, which is damaged like all the rest.
        cluster = self.open_cluster()
        self.fill(cluster)
        self.kinds, self.files = collections.Counter(), collections.Counter()
        self.outcomes = collections.Counter()
        # Always the same: what no reader can notice yet must stay damage of one node.
        victim = self.random.choice(cluster.nodes)
        begun, done, rounds = time.monotonic(), 0, 0
        while done < corruptions:
            # One alone shows what it does; several at once are what a bad disk does.
            count = self.random.choice((1, 1, 2, 4, 8, 12))
            count = min(count, corruptions - done)
            what = self.damage(cluster, victim, count)
            self.keep_damaged(victim)
            try:
                self.check_round(cluster, victim, rounds)
            except (AssertionError, ClusterError) as error:
                self.keep_logs(cluster)
                raise AssertionError(
                    f"round {rounds}, seed {self.seed}, {victim.name}: {what}: {error}"
                ) from error
            done += count
            rounds += 1
            if rounds % 25 == 0:
                print(f"{done} of {corruptions} in {time.monotonic() - begun:.0f} s",
                      flush=True)
        print(f"\n{done} corruptions in {rounds} rounds, {time.monotonic() - begun:.0f} s, "
              f"seed {self.seed}\n  kinds: {dict(self.kinds)}\n  files: {dict(self.files)}\n"
              f"  nodes said: {dict(self.outcomes)}")

    def fill(self, cluster):
        """What every node must always say; written a while ago, so most of it is applied."""
        leader = cluster.wait_for_leader()
        self.values = {}
        for folder in range(FOLDERS):
            for name in range(NAMES):
                path = f"f{folder}/n{name}"
                self.values[path] = f"{path} is {self.random.getrandbits(256):x}"
                body = {"data": {"value": self.values[path]}}
                cluster.ask(leader, "POST", f"secret/data/{path}", body)

    def damage(self, cluster, victim, count):
        """While the node is down, and half the time without its last words."""
        self.write_later(cluster, victim)
        if self.random.random() < 0.5:
            cluster.kill(victim)
        else:
            victim.daemon.stop()
        self.read_from = victim.daemon.log.stat().st_size
        self.old_pages.look()
        return [self.damage_once(victim) for _ in range(count)]

    def write_later(self, cluster, victim):
        """New values, some of them twice, which the node has before it stops: what an old page says
        of them is not true any more."""
        paths = self.random.sample(sorted(self.values), LATER_WRITES // 2)
        leader = cluster.wait_for_leader()
        self.old_pages = OldPages(victim.data)
        self.old_pages.remember()
        for path in paths + self.random.choices(paths, k=LATER_WRITES - len(paths)):
            self.values[path] = f"{path} is {self.random.getrandbits(256):x} by now"
            cluster.ask(leader, "POST", f"secret/data/{path}",
                        {"data": {"value": self.values[path]}})
            self.old_pages.remember()
        cluster.wait_until_caught_up(victim)

    def keep_damaged(self, victim):
        if not self.keep:
            return
        copy = pathlib.Path(self.keep) / "damaged"
        shutil.rmtree(copy, ignore_errors=True)
        copy.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", "--sparse=always", str(victim.data), str(copy)], check=True)

    def keep_logs(self, cluster):
        for node in cluster.nodes if self.keep else []:
            shutil.copy(node.daemon.log, pathlib.Path(self.keep) / f"{node.name}.log")

    def damage_once(self, victim):
        files = [
            path for path in sorted(victim.data.rglob("*"))
            if path.is_file() and path.stat().st_size > 0 and path.name not in self.identity
            and "quarantine" not in path.parts
        ]
        if self.random.random() < STALE:
            found = self.old_pages.put_back(self.random)
            if found:
                path, number = found
                self.kinds["stale_page"] += 1
                self.files[path.name] += 1
                return "stale_page", path.name, number
        # Half of it where nearly all of the bytes are.
        large = [path for path in files if path.stat().st_size > 1 << 20]
        file = self.random.choice(large if large and self.random.random() < 0.5 else files)
        name = str(file.relative_to(victim.data))
        self.files[name] += 1
        draw = self.random.random()
        if draw < 0.04:
            file.unlink()
            kind = "deleted"
        elif draw < 0.08:
            os.truncate(file, self.random.randrange(file.stat().st_size))
            kind = "truncated"
        else:
            change = self.random.choice(IN_PLACE)
            self.change(file, change)
            kind = change.__name__
        self.kinds[kind] += 1
        return kind, name

    def change(self, file, change):
        """Damages a window of the part that holds data: preallocated zeros would be no test."""
        used = self.used_bytes(file)
        if used == 0:
            return
        with open(file, "r+b") as stream:
            size = min(used, 1 << 20)
            start = self.random.randrange(max(1, (used - size) // PAGE + 1)) * PAGE
            stream.seek(start)
            data = bytearray(stream.read(size))
            change(self.random, data)
            stream.seek(start)
            stream.write(data)

    @staticmethod
    def used_bytes(file):
        """Up to the last byte that is not zero."""
        size = file.stat().st_size
        with open(file, "rb") as stream:
            position = size
            while position > 0:
                start = max(0, position - (1 << 20))
                stream.seek(start)
                chunk = stream.read(position - start).rstrip(b"\0")
                if chunk:
                    return start + len(chunk)
                position = start
        return 0

    def check_round(self, cluster, victim, number):
        # Writes go on meanwhile: what is repaired must include them.
        others = [node for node in cluster.nodes if node is not victim]
        path = f"f{number % FOLDERS}/n{number % NAMES}"
        self.values[path] = f"{path} in round {number}"

        def written():
            body = {"data": {"value": self.values[path]}}
            answer = cluster.call(
                others[number % 2], "POST", f"secret/data/{path}", body, cluster.root_token
            )
            return answer.status in (200, 409)

        wait_until("a write succeeds without the damaged node", written, 30)
        cluster.restart(victim, wait=False)
        self.keep_alive(cluster, victim)
        self.read_everything(cluster, victim)
        self.catch_up(cluster, victim)
        # A node with a new disk counts for nothing before it was a learner, and a voter again.
        wait_until(f"{victim.name} is looked over and a full member again",
                   lambda: self.is_whole(cluster, victim), 120)
        said = {name for sign, name in self.signs.items() if sign in self.said(victim)}
        self.outcomes.update(said or {"nothing"})

    @staticmethod
    def trust_anew(cluster, victim):
        """What an operator does when the node says that it has a new certificate: clients get it.
        It listens only once it has one."""
        host, port = victim.api_listen.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=2):
            cluster._bundled = set()

    def catch_up(self, cluster, victim):
        """Until the node has what was committed before. It may end once more meanwhile, for damage
        that it meets only now."""
        leader = cluster.wait_for_leader(60)
        want = cluster.ask(leader, "GET", "sys/leader")["raft_committed_index"]

        def has_caught_up():
            if not victim.is_alive():
                self.keep_alive(cluster, victim)
            return cluster.positions().get(victim.name, -1) >= want

        wait_until(f"{victim.name} has applied entry {want}", has_caught_up, 120)

    def keep_alive(self, cluster, victim):
        """What a service manager and the share-holders do: start it again, unseal it."""
        deadline = time.monotonic() + 120
        while True:
            for node in cluster.nodes:
                # The others are not damaged, and must not end.
                self.assertTrue(node is victim or node.is_alive(), f"{node.name} ended")
            try:
                self.trust_anew(cluster, victim)
                self.check_vault_is_known(cluster, victim)
                cluster.wait_until_answering(victim)
                cluster.unseal(victim)
                return
            except (ClusterError, OSError) as error:
                if time.monotonic() > deadline:
                    raise
                if not victim.is_alive():
                    self.assertNotEqual(victim.daemon.process.returncode, 0, str(error))
                    victim.daemon.start()
                time.sleep(0.2)

    def check_vault_is_known(self, cluster, victim):
        """A node says that there is a vault, or that it cannot tell. Only one that begins anew has
        none until the others have sent it theirs."""
        answers = [(path, cluster.call(victim, "GET", path, timeout=5)) for path in VAULT_CALLS]
        if "was put aside" in self.said(victim):
            return
        for path, answer in answers:
            self.assertTrue(answer.json.get("initialized", True), f"{path}: {answer.text}")

    def is_whole(self, cluster, victim):
        """Everything was looked over since the last start, and what was found is repaired; a node
        that put its database aside is a full member again."""
        try:
            answer = cluster.call(victim, "GET", "sys/metrics", token=cluster.root_token)
        except OSError:
            answer = None
        if answer is None or answer.status != 200:
            self.keep_alive(cluster, victim)
            return False
        gauges = {gauge["Name"]: gauge["Value"] for gauge in answer.json["Gauges"]}
        counters = {counter["Name"]: counter["Count"] for counter in answer.json["Counters"]}
        return (
            counters["holdfast_store_scrub_passes_total"] > 0
            and gauges["holdfast_store_doubtful_buckets"] == 0
            and self.is_taken_back(victim) and self.is_voter(cluster, victim)
        )

    def read_everything(self, cluster, victim):
        """An answer is right or it is an error that says so; in the end all are right."""
        paths = list(self.values.items())
        self.random.shuffle(paths)
        for folder in range(FOLDERS):
            names = sorted(f"n{name}" for name in range(NAMES))
            self.right(cluster, victim, "LIST", f"secret/metadata/f{folder}",
                       lambda json: sorted(json["data"]["keys"]) == names)
        for path, value in paths:
            self.right(cluster, victim, "GET", f"secret/data/{path}",
                       lambda json: json["data"]["data"]["value"] == value)

    def right(self, cluster, victim, method, path, check):
        def answered():
            try:
                answer = cluster.call(victim, method, path, token=cluster.root_token, timeout=35)
            except OSError:
                self.keep_alive(cluster, victim)
                return False
            if answer.status in (500, 503):
                status = cluster.call(victim, "GET", "sys/seal-status")
                if status.status != 200 or status.json["sealed"]:
                    self.keep_alive(cluster, victim)
                return False
            self.assertEqual(answer.status, 200, f"{path}: a false {answer.status}")
            self.assertTrue(check(answer.json), f"{path}: a wrong answer: {answer.text[:200]}")
            return True

        wait_until(f"{path} is answered by {victim.name}", answered, 60)

    def said(self, victim):
        """What the node has logged in this round."""
        with open(victim.daemon.log, errors="replace") as log:
            log.seek(self.read_from)
            return log.read()

    def is_taken_back(self, victim):
        """Through learner to voter, and the joint configuration in between is left: before that
        the node that is damaged next could be one too many."""
        _, rebuilt, after = self.said(victim).rpartition("was put aside")
        members = [line for line in after.splitlines() if "members changed" in line]
        was_learner = any(f"{victim.name} learner" in line for line in members)
        is_voter = all(f"{victim.name} voter" in line for line in members[-2:])
        return not rebuilt or was_learner and is_voter

    def is_voter(self, cluster, victim):
        data = cluster.ask(
            cluster.wait_for_leader(), "GET", "sys/storage/raft/configuration"
        )["data"]
        servers = {server["node_id"]: server for server in data["config"]["servers"]}
        return servers[victim.name]["voter"]

