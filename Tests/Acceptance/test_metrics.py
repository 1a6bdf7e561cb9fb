"""GET sys/metrics on real nodes: what Prometheus scrapes, and what operators read as JSON."""

import re
import ssl
import unittest
import urllib.request

from support import ClusterTest, wait_until

LINE = re.compile(r'^([a-z_]+)(?:\{([a-z_]+="[^"]*",?)+\})? (-?[0-9.e+-]+)$')


class Metrics(ClusterTest):
    def scrape(self, cluster, node, token=None):
        """Content type and name -> values of one scrape."""
        context = ssl.create_default_context(cafile=cluster.ca_file())
        request = urllib.request.Request(f"{node.address}/v1/sys/metrics?format=prometheus")
        if token:
            request.add_header("X-Vault-Token", token)
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            kind, text = answer.headers["Content-Type"], answer.read().decode()
        found = {}
        for line in text.splitlines():
            if line.startswith("#"):
                self.assertRegex(line, r"^# (HELP|TYPE) holdfast_[a-z_]+ .+$")
                continue
            parts = LINE.match(line)
            self.assertTrue(parts, f"not a line of the format: {line}")
            found.setdefault(parts[1], []).append(float(parts[3]))
        return kind, found

    def test_a_token_is_needed_and_numbers_move(self):
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        for token in (None, "s.wrong"):
            self.assertEqual(cluster.call(leader, "GET", "sys/metrics", token=token).status, 403)
        kind, before = self.scrape(cluster, leader, cluster.root_token)
        self.assertTrue(kind.startswith("text/plain; version=0.0.4"))
        for number in range(20):
            cluster.ask(leader, "POST", f"secret/data/m{number}", {"data": {"n": number}})
        _, after = self.scrape(cluster, leader, cluster.root_token)
        for name, least in [("raft_commit_index", 20), ("store_commits_total", 5),
                            ("store_commit_flushes_total", 10)]:
            name = f"holdfast_{name}"
            self.assertGreaterEqual(after[name][0] - before[name][0], least, name)
        self.assertEqual(after["holdfast_raft_is_leader"], [1])
        self.assertEqual(after["holdfast_sealed"], [0])
        self.assertEqual(len(after["holdfast_raft_member_match_index"]), 3)
        self.assertGreater(after["holdfast_store_file_bytes"][0],
                           after["holdfast_store_used_bytes"][0])

        answer = cluster.ask(leader, "GET", "sys/metrics")
        self.assertEqual(list(answer), ["Timestamp", "Gauges", "Points", "Counters", "Samples"])
        names = {gauge["Name"] for gauge in answer["Gauges"]}
        names |= {counter["Name"] for counter in answer["Counters"]}
        names |= {
            sample["Name"] + part
            for sample in answer["Samples"] for part in ("_bucket", "_sum", "_count")
        }
        # One has no value before the first look over everything is through.
        maybe = {"holdfast_store_scrub_age_seconds"}
        self.assertEqual(names - maybe, set(after) - maybe)
        self.assertIn("holdfast_snapshot_delivered_total", names)
        self.assertGreaterEqual(after["holdfast_http_request_seconds_count"][1], 20, "writes")
        self.assertEqual(cluster.call(leader, "GET", "sys/metrics?format=xml").status, 400)

        # A follower tells of itself.
        follower = next(node for node in cluster.nodes if node is not leader)
        _, other = self.scrape(cluster, follower, cluster.root_token)
        self.assertEqual(other["holdfast_raft_is_leader"], [0])
        cluster.ask(follower, "PUT", "sys/seal")
        wait_until("sealed", lambda: cluster.call(
            follower, "GET", "sys/metrics", token=cluster.root_token).status == 503)

    def test_without_a_token_where_the_settings_say_so(self):
        cluster = self.cluster(settings={"metrics_unauthenticated": "true"})
        cluster.start_all()
        node = cluster.nodes[0]
        _, numbers = self.scrape(cluster, node)
        self.assertEqual(numbers["holdfast_sealed"], [1])
        self.assertEqual(numbers["holdfast_store_room_state"], [0])


if __name__ == "__main__":
    unittest.main()
