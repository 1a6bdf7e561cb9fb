"""A wrapping token opens once: asked on all nodes at the same moment, while leaders are killed."""

import concurrent.futures
import http.client
import json
import random
import threading
import time
import unittest
import urllib.request

from support import ClusterTest, wait_until

KILLS = 8
LANES = 6
# What became of one request. Only the last may or may not have been done.
OPENED, INVALID, NOT_DONE, UNKNOWN = "opened", "invalid", "not done", "unknown"


class Lane(threading.Thread):
    """Wraps a value of its own, and has several nodes open it at once; again and again."""

    def __init__(self, cluster, number, random):
        super().__init__(daemon=True)
        self.cluster, self.number, self.random = cluster, number, random
        self.outcomes = {}  # Token -> what each request for it came to.
        self.values = {}  # Token -> what was wrapped.
        self.faults = []
        self.over = threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(2 * len(cluster.nodes))

    def run(self):
        with self.pool:
            while not self.over.is_set():
                token = self.wrap(f"{self.number}-{len(self.outcomes)}")
                if token:
                    self.outcomes[token] = self.open_at_once(token)

    def wrap(self, value):
        """A new wrapping token from whichever node makes one, or None."""
        first = len(self.values) % len(self.cluster.nodes)
        for node in self.cluster.nodes[first:] + self.cluster.nodes[:first]:
            request = urllib.request.Request(
                f"{node.address}/v1/sys/wrapping/wrap", json.dumps({"value": value}).encode(),
                {"X-Vault-Token": self.cluster.root_token, "X-Vault-Wrap-TTL": "1h"})
            try:
                with urllib.request.urlopen(request, timeout=15) as answer:
                    token = json.load(answer)["wrap_info"]["token"]
            except (OSError, http.client.HTTPException):
                continue
            self.cluster.witness.see({"token": token})
            self.values[token] = value
            return token
        time.sleep(0.05)
        return None

    def open_at_once(self, token):
        """Mostly by all nodes; by one alone, whose answer may be lost with it; or all of them twice."""
        nodes = self.cluster.nodes
        nodes = self.random.choice((nodes, nodes, 2 * nodes, [self.random.choice(nodes)]))
        return list(self.pool.map(lambda node: self.open(node, token), nodes))

    def open(self, node, token):
        """Both ways of saying which token is meant: a field, and the client's own token."""
        is_own = len(self.outcomes) % 2 == 0
        body, own = (None, token) if is_own else ({"token": token}, self.cluster.root_token)
        try:
            answer = self.cluster.call(node, "PUT", "sys/wrapping/unwrap", body, own, timeout=30)
        except ConnectionRefusedError:
            return NOT_DONE
        except OSError:
            return UNKNOWN
        if answer.status == 200:
            if answer.json["data"] != {"value": self.values[token]}:
                self.faults.append(f"what was wrapped is {answer.text[:200]}")
            return OPENED
        known = {400: INVALID, 409: UNKNOWN, 503: NOT_DONE}.get(answer.status)
        if known is None:
            self.faults.append(f"{answer.status}: {answer.text[:200]}")
        return known or UNKNOWN


class Unwraps(ClusterTest):
    def kill_leaders(self, cluster):
        for _ in range(KILLS):
            leader = cluster.wait_for_leader()
            time.sleep(self.random.uniform(0, 0.5))
            cluster.kill(leader)
            time.sleep(self.random.uniform(0, 0.3))
            cluster.restart(leader, wait=False)
            cluster.wait_until_answering(leader)
            cluster.unseal(leader)

    def test_a_wrapping_token_opens_once(self):
        cluster = self.open_cluster(tls=False)
        lanes = [
            Lane(cluster, number, random.Random(self.seed + number)) for number in range(LANES)]
        begin = time.monotonic()
        self.start_beside(lanes)
        wait_until("all lanes open", lambda: all(lane.outcomes for lane in lanes))
        self.kill_leaders(cluster)
        seen = sum(len(lane.outcomes) for lane in lanes)
        wait_until("all goes on after the last kill", lambda: sum(
            len(lane.outcomes) for lane in lanes) > seen + LANES, 60)
        for lane in lanes:
            lane.over.set()
        for lane in lanes:
            lane.join(40)
            self.assertFalse(lane.is_alive())
            self.assertEqual(lane.faults, [])
        counts = {}
        for lane in lanes:
            for token, outcomes in lane.outcomes.items():
                kind = self.check(cluster, lane, token, outcomes)
                counts[kind] = counts.get(kind, 0) + 1
            self.assertEqual(lane.faults, [])
        print(f"\n{KILLS} leaders killed, tokens: {counts}, {time.monotonic() - begin:.0f} s")
        self.assertGreater(sum(counts.values()), 10 * KILLS, "too few tokens to prove anything")
        lost = sum(outcomes.count(UNKNOWN) for lane in lanes for outcomes in lane.outcomes.values())
        self.assertGreater(lost, 0, "no answer was lost, so nothing was in doubt")

    def check(self, cluster, lane, token, outcomes):
        """What a token must be worth now, after what was answered for it; returns what that was."""
        opened = outcomes.count(OPENED)
        self.assertLessEqual(opened, 1, f"one token opened {opened} times: {outcomes}")
        # Most were opened; of those one node is enough, another one for each.
        nodes = [self.random.choice(cluster.nodes)] if opened else cluster.nodes
        again = [self.settled(cluster, lane, node, token) for node in nodes]
        later = again.count(OPENED)
        shown = f"{outcomes}, and later {again}"
        self.assertEqual(set(again) - {OPENED, INVALID}, set(), shown)
        self.assertLessEqual(opened + later, 1, shown)
        if opened:
            return OPENED
        if UNKNOWN in outcomes:
            return f"{UNKNOWN}, {'still good' if later else 'lost'}"
        # Nobody has it and nobody may have it: it must open, and nobody may have been told otherwise.
        self.assertNotIn(INVALID, outcomes, shown)
        self.assertEqual(again, [OPENED] + [INVALID] * (len(again) - 1), shown)
        return NOT_DONE

    def settled(self, cluster, lane, node, token):
        """All nodes are up again, so in the end each request is answered for good."""
        return wait_until("a request is done", lambda: next((
            found for found in [lane.open(node, token)] if found != NOT_DONE), None), 60)


if __name__ == "__main__":
    unittest.main()
