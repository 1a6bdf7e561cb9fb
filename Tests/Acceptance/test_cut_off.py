"""A leader that loses its majority without anybody being told: when it stops to answer."""

import http.client
import os
import shutil
import ssl
import threading
import time
import unittest
import urllib.parse

from support import THREE_IN_THREE, ClusterTest

from cluster_network import ClusterNetwork

# An election time-out after the majority was last heard, and what a loaded machine may add.
BOUND_SECONDS = 1.0


@unittest.skipUnless(
    os.geteuid() == 0 and shutil.which("ip"), "hosts of their own need root and iproute2")
class CutOff(ClusterTest):
    def asker(self, cluster, node, method, body, answers, ended):
        """Asks one node again and again; notes when each good answer was asked for and came."""
        parts = urllib.parse.urlsplit(node.address)
        context = ssl.create_default_context(cafile=str(node.data / "api-certificate.pem"))
        while not ended.is_set():
            link = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=3, context=context)
            try:
                while not ended.is_set():
                    asked = time.monotonic()
                    link.request(method, "/v1/secret/data/r", body,
                                 {"X-Vault-Token": cluster.root_token})
                    answer = link.getresponse()
                    answer.read()
                    if answer.status == 200:
                        answers.append((asked, time.monotonic()))
                    else:
                        time.sleep(0.005)
            except OSError:
                time.sleep(0.02)
            finally:
                link.close()

    def cut_once(self, cluster, network):
        leader = cluster.wait_for_leader()
        for node in cluster.nodes:
            cluster.wait_until_caught_up(node)
        others = [node for node in cluster.nodes if node is not leader]
        reads, writes, moved, ended = [], [], [], threading.Event()
        body = '{"data": {"n": 1}}'
        threads = [
            threading.Thread(target=self.asker, args=(cluster, *rest, ended)) for rest in [
                (leader, "GET", None, reads),
                (leader, "POST", body, writes),
                (others[0], "POST", body, moved),
            ]
        ]
        self.start_beside(threads, ended)
        time.sleep(1)
        if cluster.leader() is not leader:
            # A busy machine can cost a leader its place; then there is nothing to cut off.
            ended.set()
            for thread in threads:
                thread.join()
            return None
        places = [cluster.nodes.index(node) for node in others]
        network.keep_pairs([places])
        cut = time.monotonic()
        time.sleep(4)
        ended.set()
        for thread in threads:
            thread.join()
        network.keep_all()
        self.assertTrue(any(came < cut for _, came in reads), "it answered before")
        self.assertTrue(any(came < cut for _, came in writes), "it took writes before")
        last_read = max(came for _, came in reads) - cut
        last_write = max(came for _, came in writes) - cut
        resumed = min((came for asked, came in moved if asked > cut + 0.1), default=None)
        self.assertIsNotNone(resumed, "the others go on without it")
        self.assertLess(last_read, BOUND_SECONDS, "reads ended")
        # A write needs the others' disks: what they had acknowledged may still be answered.
        self.assertLess(last_write, BOUND_SECONDS, "writes ended")
        self.assertLess(last_read, resumed - cut, "no read after another leader took a write")
        return last_read, resumed - cut

    def test_a_leader_cut_off_from_its_majority_stops_answering(self):
        for settings in ({}, {"read_lease": "true"}):
            with self.subTest(settings=settings), ClusterNetwork(len(THREE_IN_THREE)) as network:
                cluster = self.open_cluster(network=network, settings=settings)
                self.assertEqual(cluster.call(
                    cluster.wait_for_leader(), "POST", "secret/data/r", {"data": {"n": 0}},
                    cluster.root_token).status, 200)
                rounds = [self.cut_once(cluster, network) for _ in range(4)]
                self.assertTrue(any(rounds), "some leader stayed until it was cut off")
                for last_read, resumed in filter(None, rounds):
                    print(f"{settings}: last read {last_read * 1000:.0f} ms after the cut, "
                          f"others wrote after {resumed * 1000:.0f} ms", flush=True)
                cluster.stop()
