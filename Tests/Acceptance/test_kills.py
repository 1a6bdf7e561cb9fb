"""SIGKILL under write load: every acknowledged write is there afterwards, none twice."""

import os
import threading
import time
import unittest

from support import ClusterError, ClusterTest, wait_until

KILLS = int(os.environ.get("HOLDFAST_TEST_KILLS", 60))
WRITERS = 4
VERSIONS_PER_KEY = 50


class Writer(threading.Thread):
    """Writes unique values through whichever node answers; never repeats a value itself."""

    def __init__(self, cluster, number):
        super().__init__(daemon=True)
        self.cluster, self.number = cluster, number
        self.acknowledged = []  # (key, version, value)
        self.tried = set()
        self.statuses = {}
        self.over = threading.Event()

    def run(self):
        count = 0
        while not self.over.is_set():
            node = self.cluster.nodes[(self.number + count) % len(self.cluster.nodes)]
            key = f"writer-{self.number}/key-{count // VERSIONS_PER_KEY}"
            value = f"{self.number}-{count}"
            count += 1
            self.tried.add(value)
            try:
                answer = self.cluster.call(
                    node, "POST", f"secret/data/{key}", {"data": {"value": value}},
                    self.cluster.root_token, timeout=8,
                )
            except OSError:
                continue
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            if answer.status == 200:
                self.acknowledged.append((key, answer.json["data"]["version"], value))


def check_acknowledged(test, cluster, writers):
    """Every acknowledged write is there, under its version, and none is there twice."""
    tried = set().union(*(writer.tried for writer in writers))
    found = {}
    keys = {key for writer in writers for key, _, _ in writer.acknowledged}
    for position, key in enumerate(sorted(keys)):
        node = cluster.nodes[position % len(cluster.nodes)]
        metadata = cluster.ask(node, "GET", f"secret/metadata/{key}")["data"]
        test.assertEqual(metadata["oldest_version"] or 1, 1)
        for version in map(int, metadata["versions"]):
            data = cluster.ask(node, "GET", f"secret/data/{key}?version={version}")["data"]
            value = data["data"]["value"]
            test.assertIn(value, tried, "a value that nobody wrote")
            test.assertNotIn(value, found, f"{value} is there twice")
            found[value] = (key, version)
    for writer in writers:
        for key, version, value in writer.acknowledged:
            test.assertEqual(found.get(value), (key, version), f"acknowledged {value} is lost")


class Kills(ClusterTest):
    def test_acknowledged_writes_survive_random_kills(self):
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        cluster.ask(leader, "POST", "secret/config", {"max_versions": VERSIONS_PER_KEY * 2})
        writers = [Writer(cluster, number) for number in range(WRITERS)]
        self.start_beside(writers)
        kills = 0
        begin = time.monotonic()
        while kills < KILLS:
            count = 2 if self.random.random() < 0.1 else 1
            victims = self.random.sample(cluster.nodes, count)
            for node in victims:
                cluster.kill(node)
            kills += count
            time.sleep(self.random.uniform(0, 0.4))
            for node in victims:
                cluster.restart(node, wait=False)
            for node in victims:
                cluster.wait_until_answering(node)
                cluster.unseal(node)
            time.sleep(self.random.uniform(0, 0.3))
        # After the last kill the cluster must take writes again.
        seen = sum(len(writer.acknowledged) for writer in writers)
        wait_until("writes flow after the last kill",
                   lambda: sum(len(w.acknowledged) for w in writers) > seen + WRITERS, 60)
        for writer in writers:
            writer.over.set()
        for writer in writers:
            writer.join(20)
        check_acknowledged(self, cluster, writers)
        total = sum(len(writer.acknowledged) for writer in writers)
        self.assertGreater(total, 10 * KILLS, "too few writes to prove anything")
        print(f"\n{kills} kills in {time.monotonic() - begin:.0f} s, {total} acknowledged writes, "
              f"statuses {[writer.statuses for writer in writers]}")


if __name__ == "__main__":
    unittest.main()
