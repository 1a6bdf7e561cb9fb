"""What one node of three lost or has wrong on its disk: found, never believed, and got back."""

import struct
import subprocess

from corruption import CorruptionTest
from database_file import PAGE, DatabaseFile, without
from support import BINARY, clean_environment, wait_until

CHECKPOINT = 200
# The key of the seal record: range 1, name 1.
SEAL_RECORD = 2 * (bytes(15) + b"\1")


class Repair(CorruptionTest):
    def setUp(self):
        super().setUp()
        self.read_from = 0

    def start(self, **settings):
        settings["checkpoint_entries"] = CHECKPOINT
        cluster = self.open_cluster(tls=False, settings=settings)
        self.fill(cluster)
        return cluster, next(n for n in cluster.nodes if n is not cluster.wait_for_leader())

    def rows(self, cluster, node):
        """The keys of the state, once all that the cluster has committed is on the disk."""
        cluster.wait_until_caught_up(node)
        return self.settled_rows(node)

    def settled_rows(self, node):
        """The keys of the state on the disk, once it is not written to any more."""
        seen = [None]

        def is_settled():
            try:
                rows = DatabaseFile(node.data / "holdfast.mdb").table("state")
            except (KeyError, struct.error):
                return False  # It was written to while it was read.
            keys = {row.key for row in rows}
            seen[0], before = keys, seen[0]
            return keys == before

        wait_until(f"{node.name} has applied everything", is_settled, pause=0.3)
        return seen[0]

    def write(self, cluster, node, path, value, cas=None):
        body = {"data": {"value": value}}
        if cas is not None:
            body["options"] = {"cas": cas}
        return cluster.call(
            node, "POST", f"secret/data/{path}", body, cluster.root_token, timeout=35)

    def read(self, cluster, node, path):
        answer = cluster.call(node, "GET", f"secret/data/{path}", token=cluster.root_token,
                              timeout=35)
        return answer.json["data"]["data"]["value"] if answer.status == 200 else answer.status

    def lead(self, cluster, node):
        """Makes a node the leader."""
        def leads():
            leader = cluster.wait_for_leader()
            if leader is node:
                return True
            environment = clean_environment() | {
                "HOLDFAST_ADDR": leader.address, "HOLDFAST_TOKEN": cluster.root_token,
            }
            subprocess.run([BINARY, "cluster", "transfer", node.name], env=environment,
                           capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
            return cluster.leader() is node

        wait_until(f"{node.name} leads", leads, 60)

    def lose(self, victim, keys, *, unnoticed=False):
        """Takes records out of the file, and out of the digest if nobody is to notice."""
        file = DatabaseFile(victim.data / "holdfast.mdb")
        for key in sorted(keys):
            row = next(row for row in file.table("state") if row.key == key)
            # A leader writes now and then; only the rows' own pages are left alone.
            file.remove("state", row, counts=not victim.is_alive())
            if unnoticed:
                bucket = next(r for r in file.table("digest") if r.key == key[:1])
                file.write_value(bucket, without(bucket, row))
        file.save()

    def create(self, cluster, victim):
        """A secret of its own; the keys of what it left in the state."""
        before = self.rows(cluster, victim)
        answer = self.write(cluster, cluster.wait_for_leader(), "lost", "the first", cas=0)
        self.assertEqual(answer.status, 200, answer.text)
        self.values["lost"] = "the first"
        keys = self.rows(cluster, victim) - before
        self.assertGreaterEqual(len(keys), 2, "its versions and its first value")
        return keys

    def expect_whole(self, cluster, victim):
        """Everybody shows what was written, the node is a full member, and whole."""
        self.keep_alive(cluster, victim)
        self.read_everything(cluster, victim)
        cluster.wait_until_caught_up(victim, 60)
        wait_until(f"{victim.name} is looked over and a full member again",
                   lambda: self.is_whole(cluster, victim), 120)
        for node in cluster.nodes:
            self.assertEqual(self.read(cluster, node, "f0/n0"), self.values["f0/n0"])

    def restart_damaged(self, cluster, victim, damage):
        victim.daemon.stop()
        self.read_from = victim.daemon.log.stat().st_size
        damage()
        cluster.restart(victim, wait=False)

    def test_a_page_in_a_wrong_place_is_found_while_the_node_runs(self):
        cluster, victim = self.start()

        def damage():
            file = DatabaseFile(victim.data / "holdfast.mdb")
            # The oldest of the log, which nobody writes to. Its number is all that tells.
            start = file.table("lbody")[0].start
            self.assertEqual(start // PAGE % 256, file.data[start])
            file.data[start] ^= 0x10
            file.save()

        self.restart_damaged(cluster, victim, damage)
        wait_until("it ends", lambda: not victim.is_alive(), 60)
        self.assertIn("in the place of page", self.said(victim))
        self.expect_whole(cluster, victim)
        self.assertIn("was put aside", self.said(victim))

    def sealed_status(self, cluster, node):
        """What a node says of itself, which must be sealed; None while it does not answer."""
        if not node.is_alive():
            node.daemon.start()  # As a service manager does; nobody unseals it.
        try:
            status = cluster.call(node, "GET", "sys/node-status")
            metrics = cluster.call(node, "GET", "sys/metrics")
        except OSError:
            return None
        if status.status != 200 or metrics.status != 200:
            return None
        self.assertTrue(status.json["sealed"], status.text)
        gauges = {gauge["Name"]: gauge["Value"] for gauge in metrics.json["Gauges"]}
        counters = {counter["Name"]: counter["Count"] for counter in metrics.json["Counters"]}
        self.assertEqual(gauges["holdfast_sealed"], 1)
        return status.json["damage"], gauges, counters

    def test_a_node_that_is_sealed_is_repaired(self):
        cluster, victim = self.start(metrics_unauthenticated="true")
        damaged, lost = sorted(self.create(cluster, victim))[:2]
        # Both of one bucket are one finding: the damaged one explains the wrong sum.
        findings = len({damaged[:1], lost[:1]})

        def damage():
            file = DatabaseFile(victim.data / "holdfast.mdb")
            row = next(row for row in file.table("state") if row.key == damaged)
            file.write_value(row, row.value[:-1] + bytes([row.value[-1] ^ 0x10]))
            file.save()
            self.lose(victim, {lost})

        self.restart_damaged(cluster, victim, damage)
        seen = [None]

        def is_repaired():
            seen[0] = self.sealed_status(cluster, victim)
            if seen[0] is None:
                return False
            told, gauges, counters = seen[0]
            return (
                told["found"] >= findings and told["repaired"] > 0 and told["waiting"] == 0
                and gauges["holdfast_store_doubtful_buckets"] == 0
                and counters["holdfast_store_scrub_passes_total"] > 0
            )

        wait_until(f"{victim.name} is repaired while it is sealed", is_repaired, 120)
        told, _, counters = seen[0]
        self.assertEqual(counters["holdfast_store_scrub_found_total"], told["found"])
        self.assertEqual(counters["holdfast_store_scrub_repaired_total"], told["repaired"])
        self.assertIn("repaired:", self.said(victim))
        self.assertTrue({damaged, lost} <= self.settled_rows(victim), "both are there again")
        self.assertIsNotNone(self.sealed_status(cluster, victim), "still nobody has unsealed it")
        cluster.unseal(victim)
        self.assertEqual(self.read(cluster, victim, "lost"), "the first")
        self.expect_whole(cluster, victim)
        self.assertNotIn("was put aside", self.said(victim))

    def test_a_lost_seal_record_is_no_vault_that_was_never_made(self):
        cluster, victim = self.start()
        self.rows(cluster, victim)

        def damage():
            file = DatabaseFile(victim.data / "holdfast.mdb")
            row = next(row for row in file.table("state") if row.key == SEAL_RECORD)
            file.rename(row, SEAL_RECORD[:-1] + b"\0")
            file.save()

        def is_known():
            try:
                self.check_vault_is_known(cluster, victim)
                answer = cluster.call(
                    victim, "PUT", "sys/unseal", {"key": cluster.keys[0]}, timeout=35)
            except OSError:
                return False
            # It has waited for the repair.
            self.assertEqual(answer.status, 200, answer.text)
            return answer.json["initialized"]

        self.restart_damaged(cluster, victim, damage)
        wait_until("a share is taken", is_known, 60)
        self.expect_whole(cluster, victim)
        self.assertIn("repaired:", self.said(victim))
        self.assertNotIn("was put aside", self.said(victim))

    def test_a_lost_record_is_not_created_again(self):
        cluster, victim = self.start()
        keys = self.create(cluster, victim)
        self.restart_damaged(
            cluster, victim, lambda: self.lose(victim, keys))
        self.keep_alive(cluster, victim)
        self.lead(cluster, victim)
        answer = self.write(cluster, victim, "lost", "another", cas=0)
        self.assertEqual(answer.status, 400, answer.text)
        self.assertIn("check-and-set", answer.text)
        self.expect_whole(cluster, victim)

    def test_a_record_that_a_leader_lost_a_moment_ago_is_not_created_again(self):
        cluster, victim = self.start()
        self.lead(cluster, victim)
        keys = self.create(cluster, victim)
        # Whole when it was looked at, so evaluation does not look again.
        self.lose(victim, keys)
        answer = self.write(cluster, victim, "lost", "another", cas=0)
        self.assertIn(answer.status, (400, 409, 503), answer.text)
        # What it may have written in the lost record's place is shown by nobody, from now on.
        self.expect_whole(cluster, victim)

    def test_a_loss_that_the_digest_hides_is_not_created_again_and_outvoted(self):
        cluster, victim = self.start()
        keys = self.create(cluster, victim)
        self.restart_damaged(
            cluster, victim, lambda: self.lose(victim, keys, unnoticed=True))
        self.keep_alive(cluster, victim)
        self.lead(cluster, victim)
        answer = self.write(cluster, victim, "lost", "another", cas=0)
        # Applied here, refused everywhere else: whoever asked must not believe in it.
        self.assertEqual(answer.status, 409, answer.text)
        others = [node for node in cluster.nodes if node is not victim]
        for node in others:
            wait_until(f"{node.name} answers",
                       lambda: self.read(cluster, node, "lost") == "the first", 30)
        for number in range(2 * CHECKPOINT):
            if not victim.is_alive():
                break
            self.write(cluster, others[number % 2], f"f1/n{number % 25}", f"round {number}")
        for name in range(25):
            path = f"f1/n{name}"
            self.values[path] = "the last"
            wait_until(f"{path} is written", lambda: self.write(
                cluster, others[0], path, "the last").status == 200, 60)
        wait_until("it is outvoted and ends", lambda: not victim.is_alive(), 60)
        self.assertIn("on a majority of the members to", self.said(victim))
        self.expect_whole(cluster, victim)
        self.assertIn("was put aside", self.said(victim))
