"""What is due is done by whichever node leads, exactly once, whoever is killed meanwhile."""

import datetime
import time
import unittest

from support import ClusterTest, wait_until

POLICIES = 240
KILLS = 3
TEXT = 'path "secret/data/{0}" {{ capabilities = ["read"] }}'


def metric(cluster, node, name):
    """One number of a node."""
    answer = cluster.ask(node, "GET", "sys/metrics")
    for entry in answer["Gauges"] + answer["Counters"]:
        if entry["Name"] == f"holdfast_{name}":
            return entry["Value"] if "Value" in entry else entry["Count"]
    raise KeyError(name)


class Jobs(ClusterTest):
    def test_policies_expire_once_although_leaders_are_killed(self):
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        # All are due at the same moment, late enough for all of them to be written before.
        life = 60
        moment = time.time() + life
        due = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
        names = [f"short-{number}" for number in range(POLICIES)]
        for name in names:
            cluster.ask(leader, "POST", f"sys/policies/acl/{name}",
                        {"policy": TEXT.format(name), "expiration": due.strftime("%FT%TZ")})
        self.assertLess(time.time(), moment, "the machine was too slow to write the policies")
        self.assertGreaterEqual(
            len(cluster.ask(leader, "LIST", "sys/policies/acl")["data"]["keys"]), POLICIES)

        def history(name):
            node = cluster.wait_for_leader()
            return cluster.ask(node, "GET", f"sys/policies/versions/acl/{name}")["data"]

        def left():
            return [name for name in names if history(name)["current"] != 0]

        killed = 0
        while killed < KILLS and left():
            leader = cluster.wait_for_leader()
            before = metric(cluster, leader, "tasks_done_total")
            step = self.random.randint(1, POLICIES // (KILLS + 3))
            wait_until("the leader removes policies", lambda: not left() or
                       metric(cluster, leader, "tasks_done_total") >= before + step, 180)
            cluster.kill(leader)
            killed += 1
            cluster.restart(leader, wait=False)
            cluster.wait_until_answering(leader)
            cluster.unseal(leader)
        self.assertGreater(killed, 0)

        wait_until("every policy is history", lambda: not left(), 240)
        for name in names:
            facts = history(name)
            self.assertEqual([version["version"] for version in facts["versions"]], [1], name)
        leader = cluster.wait_for_leader()
        # Nothing failed on the way, and no job is left.
        self.assertEqual(
            cluster.call(leader, "LIST", "sys/jobs", token=cluster.root_token).status, 404)
        # A number is used once, whatever happened.
        cluster.ask(leader, "POST", f"sys/policies/acl/{names[0]}", {"policy": TEXT.format("x")})
        self.assertEqual(history(names[0])["current"], 2)

    def test_what_is_not_due_is_left_alone(self):
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        for name, life in [("sooner", 1), ("later", 100_000)]:
            cluster.ask(leader, "POST", f"sys/policies/acl/{name}",
                        {"policy": TEXT.format("x"), "ttl": life})
        wait_until("the first has become history", lambda: cluster.ask(
            leader, "GET", "sys/policies/versions/acl/sooner")["data"]["current"] == 0, 60)
        answer = cluster.ask(leader, "GET", "sys/policies/versions/acl/later")
        self.assertEqual(answer["data"]["current"], 1)
        self.assertGreaterEqual(metric(cluster, leader, "tasks_done_total"), 1)
        self.assertEqual(metric(cluster, leader, "tasks_failures_total"), 0)
        self.assertEqual(metric(cluster, leader, "tasks_damaged"), 0)


if __name__ == "__main__":
    unittest.main()
