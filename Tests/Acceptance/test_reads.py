"""Reads: how fresh they are, what they say about it, and what a stopped leader may still answer."""

import http.client
import json
import os
import ssl
import threading
import time
import urllib.parse

from support import ClusterTest, wait_until

PAUSES = 2 if os.environ.get("HOLDFAST_TEST_QUICK") else 6


def read(cluster, node, path, timeout=10, data=None, **headers):
    """One GET, or PUT of `data`; status, headers in lower case, body. Header names are given with
    underscores."""
    parts = urllib.parse.urlsplit(node.address)
    context = ssl.create_default_context(cafile=str(node.data / "api-certificate.pem"))
    link = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context)
    fields = {"X-Vault-Token": cluster.root_token}
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    try:
        method, sent = ("PUT", json.dumps(data)) if data else ("GET", None)
        link.request(method, f"/v1/{path}", body=sent, headers=fields)
        answer = link.getresponse()
        body = answer.read()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, json.loads(body) if body else None
    finally:
        link.close()


def value_of(body):
    return body["data"]["data"]["n"]


class Reads(ClusterTest):
    def put(self, cluster, node, number):
        """Writes until the answer comes back; 409: applied, and its answer was lost on the way."""
        status = None
        while status != 200:
            self.assertIn(status, (None, 409))
            status = cluster.call(node, "POST", "secret/data/r", {"data": {"n": number}},
                                  cluster.root_token).status

    def test_nobody_is_sent_to_another_node(self):
        # Where OpenBao's standby answers 307 if the client asks it not to forward.
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        follower = next(node for node in cluster.nodes if node is not leader)
        for data in ({"data": {"n": 5}}, None):
            status, headers, body = read(cluster, follower, "secret/data/r", data=data,
                                         X_Vault_No_Request_Forwarding="true")
            self.assertEqual(status, 200)
            self.assertNotIn("location", headers)
        self.assertEqual(value_of(body), 5)

    def test_a_stale_read_outlives_the_majority_and_tells_its_age(self):
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        survivor = next(node for node in cluster.nodes if node is not leader)
        self.put(cluster, leader, 1)
        status, headers, body = read(cluster, survivor, "secret/data/r")
        self.assertEqual((status, value_of(body)), (200, 1))
        self.assertNotIn("x-holdfast-index", headers)
        status, headers, body = read(
            cluster, survivor, "secret/data/r", X_Holdfast_Consistency="linearizable")
        self.assertEqual(status, 200)
        self.assertGreater(int(headers["x-holdfast-index"]), 1)
        began = time.monotonic()
        for node in cluster.nodes:
            if node is not survivor:
                cluster.kill(node)
        time.sleep(1.5)
        status, headers, body = read(cluster, survivor, "secret/data/r",
                                     X_Holdfast_Consistency="stale", X_Holdfast_Max_Staleness="1h")
        elapsed = (time.monotonic() - began) * 1000
        self.assertEqual((status, value_of(body)), (200, 1))
        # An upper bound, and not a lazy one: asked at most moments before the kill.
        self.assertGreaterEqual(int(headers["x-holdfast-staleness"]), 1500)
        self.assertLess(int(headers["x-holdfast-staleness"]), elapsed + 1000)
        status, headers, body = read(cluster, survivor, "secret/data/r", timeout=30,
                                     X_Holdfast_Consistency="stale", X_Holdfast_Max_Staleness="1s")
        self.assertEqual(status, 503)
        self.assertRegex(body["errors"][0], r"state is up to \d+\.\d+s old; you allow 1s")
        status, headers, body = read(cluster, survivor, "secret/data/r", timeout=30)
        self.assertEqual((status, body["errors"]), (503, ["no active Vault instance found"]))
        for consistency, bound in [("eventual", ""), ("stale", "2h"), ("", "5s"), ("stale", "x")]:
            status, headers, body = read(
                cluster, survivor, "secret/data/r",
                X_Holdfast_Consistency=consistency, X_Holdfast_Max_Staleness=bound)
            self.assertEqual(status, 400, (consistency, bound))

    def test_a_stale_read_on_the_node_that_took_the_write_shows_it(self):
        cluster = self.open_cluster()
        for number in range(60):
            node = cluster.nodes[number % 3]
            self.put(cluster, node, number)
            status, headers, body = read(
                cluster, node, "secret/data/r",
                X_Holdfast_Consistency="stale", X_Holdfast_Max_Staleness="1h")
            self.assertEqual((status, value_of(body)), (200, number))

    def test_a_leader_with_a_lease_that_was_stopped_shows_nothing_old(self):
        """Reads are put into the sockets of a stopped leader after others have moved on."""
        cluster = self.open_cluster(settings={"read_lease": "true"})
        number = 0
        for _ in range(PAUSES):
            leader = cluster.wait_for_leader()
            number += 1
            self.put(cluster, leader, number)
            for _ in range(20):
                status, _, body = read(cluster, leader, "secret/data/r")
                self.assertEqual((status, value_of(body)), (200, number))
            links = [self.link(cluster, leader) for _ in range(8)]
            leader.daemon.send(19)  # SIGSTOP
            others = [node for node in cluster.nodes if node is not leader]
            try:
                # Its clients time out, so nobody but the others is asked who leads.
                wait_until("another one leads", lambda: any(
                    cluster.call(node, "GET", "sys/leader", token=cluster.root_token)
                    .json.get("is_self") for node in others), 30)
                number += 1
                self.put(cluster, others[0], number)
                for link in links:
                    link.request("GET", "/v1/secret/data/r",
                                 headers={"X-Vault-Token": cluster.root_token})
            finally:
                leader.daemon.send(18)  # SIGCONT
            for link in links:
                answer = link.getresponse()
                body = json.loads(answer.read())
                link.close()
                if answer.status == 200:
                    self.assertEqual(value_of(body), number)
                else:
                    self.assertEqual(answer.status, 503)
            cluster.wait_until_caught_up(leader)

    def link(self, cluster, node):
        """A connection that is open before it is needed."""
        parts = urllib.parse.urlsplit(node.address)
        context = ssl.create_default_context(cafile=str(node.data / "api-certificate.pem"))
        link = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=30, context=context)
        link.connect()
        return link

    def test_with_leases_a_killed_leader_is_replaced_and_nothing_is_stale(self):
        cluster = self.open_cluster(settings={"read_lease": "true"})
        over, wrong, seen = threading.Event(), [], [0]
        newest = [0]

        def watch(node):
            while not over.is_set():
                floor = newest[0]
                try:
                    status, _, body = read(cluster, node, "secret/data/r", timeout=30)
                except OSError:
                    continue
                if status == 200:
                    seen[0] += 1
                    if value_of(body) < floor:
                        wrong.append((node.name, value_of(body), floor))

        self.put(cluster, cluster.nodes[0], 0)
        watchers = [threading.Thread(target=watch, args=(node,), daemon=True)
                    for node in cluster.nodes]
        self.start_beside(watchers, over)
        number = 0
        for _ in range(PAUSES):
            leader = cluster.wait_for_leader()
            other = next(node for node in cluster.nodes if node is not leader)
            for _ in range(20):
                number += 1
                self.put(cluster, other, number)
                newest[0] = number
            cluster.kill(leader)
            number += 1
            self.put(cluster, other, number)
            newest[0] = number
            cluster.restart(leader)
            cluster.unseal(leader)
        over.set()
        for watcher in watchers:
            watcher.join(40)
        self.assertEqual(wrong, [])
        self.assertGreater(seen[0], 50 * PAUSES)
