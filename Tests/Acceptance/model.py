"""Random walks over three real nodes that are killed meanwhile, against a model (vault_model.py).

Each round: every lane makes its random changes while nodes are killed, started and unsealed; then
the vault is compared with the models. At the end everything is taken back, and the database of
each node must hold no row more than before. HOLDFAST_TEST_SEED repeats a run's decisions.
"""

import collections
import struct
import threading
import time

from database_file import DatabaseFile
from support import ClusterError, ClusterTest, wait_until
from vault_check import Check
from vault_model import REQUEST_SECONDS, Sender
from vault_walk import EVERYTHING, PATHS, PROBE, Lane

LANES = 4
# The anchors of the audit logs, which grow with every request: see `ClearRecord` in `Barrier`.
ANCHORS = (bytes(15) + b"\x03", bytes(15) + b"\x04", bytes(15) + b"\x01" + bytes(15) + b"\x05")


class ModelTest(ClusterTest):
    def walk(self, rounds, steps):
        """So many rounds, with so many steps of each lane in each."""
        self.cluster_ = cluster = self.open_cluster(tls=False)
        self.sender = Sender(cluster)
        self.lanes = [Lane(self.sender, number, self.seed) for number in range(LANES)]
        self.kills = collections.Counter()
        self.prepare()
        for number in range(rounds):
            self.round(number, steps)
        time.sleep(REQUEST_SECONDS + 1)
        self.check()
        self.take_everything_back()
        self.compare_rows()
        done = sum((collections.Counter(lane.done) for lane in self.lanes),
                   collections.Counter())
        tokens = sum(len(lane.tokens) for lane in self.lanes)
        print(f"\nseed {self.seed}: {rounds} rounds, {dict(done)}, {tokens} tokens, kills "
              f"{dict(self.kills)}, {self.sender.sent} answers, {self.sender.unknown} unknown "
              f"outcomes, {self.sender.refused} refused")
        self.assertGreater(self.sender.unknown, 0, "no outcome was unknown: nothing was tested")

    # Rounds

    def round(self, number, steps):
        failures, counted = [], threading.Semaphore(0)
        over = threading.Event()

        def run(lane):
            try:
                if lane.number == number % LANES:
                    lane.burst(*(lane.random.randrange(1 << 30) for _ in range(3)))
                for _ in range(steps):
                    if over.is_set():
                        return
                    lane.step()
                    counted.release()
            except Exception as error:
                failures.append((lane, error))
                over.set()

        # Which nodes, and after how many steps of all lanes, is drawn before.
        plan = [(self.random.randrange(steps * LANES * 9 // 10),
                 self.random.choice(("leader", "leader", "follower", "two")),
                 self.random.randrange(3), self.random.uniform(0, 0.6))
                for _ in range(2)]
        threads = [threading.Thread(target=run, args=(lane,)) for lane in self.lanes]
        self.start_beside(threads, over)
        seen = 0
        for place, who, which, pause in sorted(plan):
            while seen < place and not over.is_set():
                seen += counted.acquire(timeout=0.2)
            self.kill_and_restart(who, which, pause)
        for thread in threads:
            thread.join(300)
        if failures:
            lane, error = failures[0]
            raise AssertionError(f"round {number}, lane {lane.number}: {error!r}") from error
        self.assertFalse(any(thread.is_alive() for thread in threads), "a lane hangs")
        self.check()

    def kill_and_restart(self, who, which, pause):
        leader = self.cluster_.leader()
        others = [node for node in self.cluster_.nodes if node is not leader]
        if who == "leader" and leader:
            victims = [leader]
        elif who == "two":
            victims = [leader, others[which % 2]] if leader else others[:2]
        else:
            victims = [others[which % len(others)]]
        for node in victims:
            self.cluster_.kill(node)
        self.kills[who] += 1
        time.sleep(pause)
        for node in victims:
            self.cluster_.restart(node, wait=False)
        for node in victims:
            self.cluster_.wait_until_answering(node, 60)
            self.cluster_.unseal(node, seconds=60)

    def check(self):
        self.cluster_.wait_for_leader(60)
        Check(self.sender, self.lanes, self.base).everything()

    # What is there before

    def prepare(self):
        """Things of all kinds, each made and removed once: what stays for ever is there now."""
        cluster = self.cluster_
        leader = cluster.wait_for_leader()

        def ask(method, path, body=None):
            return cluster.ask(leader, method, path, body)

        ask("PUT", "sys/policies/acl/all", {"policy": EVERYTHING})
        ask("POST", f"sys/mounts/{PROBE}", {"type": "kv"})
        for number in range(PATHS):
            ask("PUT", f"{PROBE}/{number}", {"value": number})
        for lane in self.lanes:
            lane.begin()
        lane = Lane(self.sender, LANES, self.seed)
        lane.begin()
        self.base = set(ask("LIST", "auth/token/accessors")["data"]["keys"])
        for way in (0, 1):
            lane.burst(0, way, 0)
        lane.keep(0, 0, 0)
        lane.mount(0)
        lane.value(lane.mounts[0], 0, 0)
        lane.move(lane.mounts[0], 0)
        for turn in range(4):
            lane.work_with_methods(0, 19, 0)
        lane.change_group(1)
        lane.change_policy(0, 2, 1)
        self.take_back(lane)
        self.check_quiet()
        self.retired_before = self.retired()
        self.rows_before = self.rows()

    # What is there after

    def take_everything_back(self):
        for lane in self.lanes:
            self.take_back(lane)
        self.check_quiet()

    def check_quiet(self):
        check = Check(self.sender, [], self.base)
        wait_until("no job is left", lambda: check.keys("sys/jobs") == [], 120, pause=0.3)

        def left():
            return (set(check.keys("auth/token/accessors")) - self.base, check.leases(""))

        wait_until("nothing is left of the tokens", lambda: left() == (set(), []), 120, pause=0.3)
        for kind in ("entity", "entity-alias"):
            self.assertEqual(check.keys(f"identity/{kind}/id"), [])

    def retired(self):
        return set(Check(self.sender, [], self.base).keys("sys/retired-mounts"))

    def compare_rows(self):
        """What was revoked and removed left nothing, not even a timer or a mark of a folder."""
        retired = len(self.retired() - self.retired_before)
        rows = self.rows()
        more = rows.keys() - self.rows_before.keys()
        # Of a mount that was unmounted two rows wait for its destruction: what it was, its keys.
        self.assertEqual(len(more), 2 * retired,
                         f"rows that were not there before the walk, and {retired} retired mounts")

    def take_back(self, lane):
        """Removes what a lane has left; its mounts' records first, wherever they are."""
        sender = self.sender
        for token in lane.tokens:
            if token.accessor and token.revoked is not True:
                sender.insist(0, "POST", "auth/token/revoke-accessor",
                              {"accessor": token.accessor})
            token.revoked = True
        for mount in lane.mounts:
            if not mount.is_made.value:
                continue
            if mount.place.value is None:
                lane.restore(mount)
            for key in mount.values:
                sender.insist(0, "DELETE", f"{mount.place.value}/{key}")
            sender.insist(0, "DELETE", f"sys/mounts/{mount.place.value}")
        for method in lane.methods:
            identifier = lane.retired_id(f"auth/{method.name}", "approle")
            if identifier:
                sender.insist(0, "POST", f"sys/retired-mounts/{identifier}/restore", {})
            elif not method.is_enabled.value:
                continue
            sender.insist(0, "DELETE", f"auth/{method.name}/role/r")
            sender.insist(0, "DELETE", f"sys/auth/{method.name}")
        for entity in lane.entities:
            sender.insist(0, "DELETE", f"identity/entity/id/{entity.id}")
        for policy in lane.policies:
            sender.insist(0, "DELETE", f"sys/policies/acl/{policy.name}")
            answer, _, _ = sender.look(0, "GET", f"sys/policies/versions/acl/{policy.name}")
            if answer.status == 200:
                sender.insist(0, "DELETE", f"sys/policies/versions/acl/{policy.name}")
        sender.insist(0, "DELETE", f"identity/group/name/{lane.group_name}")
        sender.insist(0, "DELETE", f"auth/token/roles/{lane.role}")

    def rows(self):
        """The rows of all records, key -> value, once they are equal on all nodes and stay so: what
        was committed last is written to the files a moment later."""
        for node in self.cluster_.nodes:
            self.cluster_.wait_until_caught_up(node, 60)
        before = self.files()

        def settled():
            nonlocal before
            time.sleep(0.5)
            last, before = before, self.files()
            return before == last and before and all(each == before[0] for each in before)

        try:
            wait_until("all nodes hold the same records", settled, 30)
        except ClusterError:
            counts = [(len(each), len(each.items() ^ before[0].items())) for each in before]
            raise AssertionError(f"nodes hold different records: (all, differing from the "
                                 f"first's) {counts}") from None
        return before[0]

    def files(self):
        """The rows of each node; none if a node wrote meanwhile, and the pages do not fit together."""
        found = []
        for node in self.cluster_.nodes:
            path, = node.data.rglob("holdfast.mdb")
            try:
                rows = DatabaseFile(path).table("state")
            except (IndexError, KeyError, struct.error, RecursionError):
                return []
            found.append({row.key: row.value for row in rows if not row.key.startswith(ANCHORS)})
        return found
