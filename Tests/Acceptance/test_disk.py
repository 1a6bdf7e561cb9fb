"""A disk that fails or fills up under real nodes: errors of syncs, and a small file system."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from support import BINARY, ROOT, ClusterTest, clean_environment, wait_until
from test_kills import Writer, check_acknowledged
from test_reads import read

# What ends a process after an error of a sync; see EndOfProcess in Sources/Store.
EXIT_INTERNAL = 70
MIB = 1 << 20


def writers_on(test, cluster, count=4):
    leader = cluster.wait_for_leader()
    cluster.ask(leader, "POST", "secret/config", {"max_versions": 100})
    writers = [Writer(cluster, number) for number in range(count)]
    test.start_beside(writers)
    return writers


def acknowledged(writers):
    return sum(len(writer.acknowledged) for writer in writers)


def stop(writers):
    for writer in writers:
        writer.over.set()
    for writer in writers:
        writer.join(20)


class SyncErrors(ClusterTest):
    """One failing sync ends its process and costs nothing that was acknowledged."""

    def shim(self):
        """The layer of Tests/Faults as a library to preload, or a skipped test."""
        compiler = shutil.which("clang") or shutil.which("cc")
        if not compiler:
            self.skipTest("no C compiler to build Tests/Faults with")
        library = f"{self.folder.name}/libfaults.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library,
                        str(ROOT / "Tests/Faults/faults.c"), "-ldl", "-lpthread"], check=True)
        return library

    def wait_for_end(self, node, file):
        """Until the node has ended as it should; its last words name file, errno and remedy."""
        wait_until(f"{node.name} ends", lambda: not node.is_alive(), 20)
        self.assertEqual(node.daemon.process.returncode, EXIT_INTERNAL)
        words = node.daemon.last_lines(3)
        self.assertIn(file, words)
        self.assertIn("Input/output error (errno 5)", words)
        self.assertIn("start this node again", words)

    def goes_on(self, writers):
        seen = acknowledged(writers)
        wait_until("the other two take writes", lambda: acknowledged(writers) > seen + 8, 20)

    def comes_back(self, cluster, node):
        cluster.restart(node)
        cluster.unseal(node)
        cluster.wait_until_caught_up(node)

    def test_one_failing_sync(self):
        library = self.shim()
        cluster = self.cluster()
        gates = {}
        for node in cluster.nodes:
            gates[node.name] = gate = f"{self.folder.name}/gate-{node.name}"
            plan = ";".join([
                f"sync *.mdb 1 EIO @{gate}-pages",
                f"write/dsync *.mdb 1 EIO @{gate}-header",
                f"sync */vote 1 EIO @{gate}-vote",
            ])
            node.prefix = ["env", f"LD_PRELOAD={library}", f"FAULTS_PLAN={plan}"]
        cluster.start_all()
        cluster.initialise()
        cluster.unseal_all()
        cluster.wait_for_leader()
        cluster.enable_kv()
        writers = writers_on(self, cluster)
        self.goes_on(writers)

        def follower():
            leader = cluster.wait_for_leader()
            return self.random.choice([n for n in cluster.nodes if n is not leader])

        def vote():
            # A vote is due on all others when the leader lets another one lead. Whether that one
            # makes it without the node that fails here is up to the two disks that are left.
            cluster.call(cluster.wait_for_leader(), "PUT", "sys/step-down",
                         token=cluster.root_token)

        for kind, choose, provoke in [
            ("pages", follower, None), ("pages", cluster.wait_for_leader, None),
            ("header", follower, None), ("header", cluster.wait_for_leader, None),
            ("vote", follower, vote),
        ]:
            node = choose()
            gate = pathlib.Path(f"{gates[node.name]}-{kind}")
            gate.touch()
            if provoke:
                provoke()
            self.wait_for_end(node, "vote" if kind == "vote" else "holdfast.mdb")
            gate.unlink()
            self.goes_on(writers)
            self.comes_back(cluster, node)
        stop(writers)
        check_acknowledged(self, cluster, writers)

    def test_the_same_by_the_kernel(self):
        """EIO from the system call itself, through ptrace: nothing between Holdfast and it."""
        strace = shutil.which("strace")
        if not strace:
            self.skipTest("strace is missing")
        cluster = self.open_cluster()
        writers = writers_on(self, cluster)
        self.goes_on(writers)
        leader = cluster.wait_for_leader()
        tracer = subprocess.Popen(
            [strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
             "-e", "inject=fdatasync:error=EIO:when=1", "-p", str(leader.pid)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        if tracer.poll() is not None and leader.is_alive():
            self.skipTest(f"strace may not attach here: {tracer.stderr.read().strip()}")
        self.wait_for_end(leader, "")
        tracer.wait(10)
        tracer.stderr.close()
        self.goes_on(writers)
        self.comes_back(cluster, leader)
        stop(writers)
        check_acknowledged(self, cluster, writers)


class SmallDisk:
    """A file system of its own on a file, with a filler that can be taken away."""

    def __init__(self, test, free_mib):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-disk-"))
        test.addCleanup(self.remove)
        self.image = self.folder / "image"
        self.root = self.folder / "mount"
        self.filler = self.root / "filler"
        with open(self.image, "wb") as file:
            file.truncate(512 * MIB)
        commands = [
            ["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", "-N", "256", str(self.image)],
            ["mount", "-o", "loop", str(self.image), str(self.root)],
        ]
        self.root.mkdir()
        for command in commands:
            try:
                done = subprocess.run(command, capture_output=True, text=True)
                problem = done.stderr.strip() if done.returncode else None
            except OSError as error:
                problem = str(error)
            if problem:
                test.skipTest(f"no loop file system here: {command[0]}: {problem}")
        with open(self.filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, self.free() - free_mib * MIB)

    def free(self):
        status = os.statvfs(self.root)
        return status.f_bavail * status.f_frsize

    def make_room(self):
        self.filler.unlink()

    def remove(self):
        subprocess.run(["umount", "-l", str(self.root)], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.folder)


class FullDisk(ClusterTest):
    """Writes are refused with a reason; votes, reads and deletes go on; with room all resumes."""

    # A node keeps 128 MiB for itself and 32 MiB for its audit log, so the first of these lasts for a
    # few writes of a megabyte.
    FREE_MIB = 173
    VALUE = "v" * 900_000

    def start(self, small):
        """A cluster whose first `small` nodes have a small disk each."""
        disks = [SmallDisk(self, self.FREE_MIB) for _ in range(small)]
        cluster = self.cluster()
        for node, disk in zip(cluster.nodes, disks):
            node.data = disk.root / "data"
        cluster.start_all()
        cluster.initialise()
        cluster.unseal_all()
        cluster.wait_for_leader()
        cluster.enable_kv()
        self.count = 0
        return cluster, disks

    def write(self, cluster, node):
        """One large write; its status, 0 without an answer, and what was said."""
        self.count += 1
        try:
            answer = cluster.call(node, "POST", f"secret/data/large-{self.count}",
                                  {"data": {"value": self.VALUE}}, cluster.root_token, timeout=10)
        except OSError as error:
            return 0, str(error)
        return answer.status, answer.errors()

    def reads(self, cluster, key):
        """Every node that is up answers a linearizable read."""
        for node in cluster.nodes:
            if node.is_alive():
                value = cluster.ask(node, "GET", f"secret/data/{key}")["data"]["data"]["value"]
                self.assertEqual(value, self.VALUE)

    def log(self, node):
        return node.daemon.log.read_text(errors="replace")

    def test_a_full_leader_hands_over(self):
        cluster, [disk] = self.start(small=1)
        full = cluster.nodes[0]
        leader = cluster.wait_for_leader()
        if leader is not full:
            cluster.ask(leader, "PUT", "sys/cluster/transfer", {"server_id": full.name})
            wait_until("the small disk is the leader's", lambda: cluster.leader() is full)

        written = 0
        while cluster.leader() is full:
            status, text = self.write(cluster, full)
            self.assertIn(status, (200, 503, 507), text)
            written += status == 200
            self.assertLess(written, 40, "the leader with a full disk leads on")
        self.assertGreater(written, 1)
        wait_until("another node leads", lambda: cluster.leader() not in (None, full), 10)

        # The others have room. What comes for the full one is more than it keeps for itself.
        refused = 0
        while "this node appends nothing" not in self.log(full):
            status, text = self.write(cluster, cluster.wait_for_leader())
            refused += status != 200
            self.assertLess(self.count, 200, "the small disk is never exhausted")
        self.assertLessEqual(refused, 2)
        self.assertIsNot(cluster.leader(), full, "it was made leader again")
        self.reads(cluster, "large-1")

        # What it drops from its log gives it room now and then, so it is filled up meanwhile.
        def is_refused():
            self.write(cluster, cluster.wait_for_leader())
            status, text = self.write(cluster, full)
            return status == 503 and "write through another node" in text

        wait_until("the full node refuses a write and says where to go", is_refused, 20)
        # It lets the leader answer this, and the answer says all the same what it is worth.
        status, headers, _ = read(
            cluster, full, "secret/data/large-1", X_Holdfast_Consistency="linearizable")
        self.assertEqual(status, 200)
        self.assertGreater(int(headers["x-holdfast-index"]), 1)
        self.assertGreaterEqual(int(headers["x-holdfast-staleness"]), 0)

        # Two of three are left, so the full one's vote decides.
        old = cluster.wait_for_leader()
        cluster.kill(old)
        new = wait_until("a leader by the full node's vote", cluster.leader, 20)
        self.assertIsNot(new, full)
        cluster.restart(old)
        cluster.unseal(old)
        wait_until("writes go on", lambda: self.write(cluster, new)[0] == 200, 20)

        disk.make_room()
        cluster.wait_until_caught_up(full)
        self.assertIn("there is room for the database again", self.log(full))
        self.reads(cluster, "large-1")

    def test_full_everywhere(self):
        cluster, disks = self.start(small=3)
        leader = cluster.wait_for_leader()
        status = 200
        while status in (200, 503):
            status, text = self.write(cluster, leader)
            leader = cluster.wait_for_leader()
            self.assertLess(self.count, 60, "no disk is ever full")
        self.assertEqual(status, 507, text)
        self.assertIn("full", text)
        self.reads(cluster, "large-1")
        # From any node: a follower forwards and says the same.
        for node in cluster.nodes:
            status, text = self.write(cluster, node)
            self.assertEqual(status, 507, text)
        cluster.ask(leader, "DELETE", "secret/metadata/large-2")
        self.assertEqual(
            cluster.call(leader, "GET", "secret/data/large-2", token=cluster.root_token).status,
            404)

        cluster.kill(leader)
        new = wait_until("the others elect a leader", cluster.leader, 20)
        cluster.ask(new, "DELETE", "secret/metadata/large-3")
        # A start on the full disk begins a segment of the audit log, in the room kept for it.
        cluster.restart(leader)
        cluster.unseal(leader)
        for node in cluster.nodes:
            # What was deleted, and the log that was cut meanwhile, may have left room for a few.
            status = 200
            while status == 200:
                status, text = self.write(cluster, node)
                self.assertLess(self.count, 120, "the disks are not full any more")
            self.assertEqual(status, 507, text)
        self.reads(cluster, "large-1")
        cluster.ask(cluster.wait_for_leader(), "DELETE", "secret/metadata/large-4")
        self.assertIn("the disk of the audit log is full", self.log(leader))
        for disk in disks:
            self.assertLess(disk.free(), MIB, "the disks were full all the while")

        for disk in disks:
            disk.make_room()
        wait_until("writes are taken again",
                   lambda: self.write(cluster, cluster.wait_for_leader())[0] == 200, 20)
        cluster.wait_until_caught_up(leader)
        self.reads(cluster, "large-1")
        wait_until("the audit log has its room again",
                   lambda: "there is room for the audit log again" in self.log(leader), 20)
        self.check_audit(cluster)

    def check_audit(self, cluster):
        """All that was answered is on the record, and the record is whole."""
        key = cluster.ask(cluster.nodes[0], "GET", "sys/audit-anchors")["data"]["key"]
        for node in cluster.nodes:
            cluster.kill(node)
            [folder] = (node.data / "audit").iterdir()
            done = subprocess.run(
                [BINARY, "audit", "verify", f"-folder={folder}", f"-key={key}", "-format=json"],
                capture_output=True, text=True, env=clean_environment())
            verdict = json.loads(done.stdout)
            self.assertTrue(verdict["intact"], verdict["findings"])
            self.assertGreater(verdict["signed_leaves"], 3)


if __name__ == "__main__":
    unittest.main()
