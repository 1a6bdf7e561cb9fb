"""A disk that fails or fills up under real nodes: errors of syncs, and a small file system."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from support import ROOT, ClusterTest, wait_until
from test_kills import Writer, check_acknowledged

# What ends a process after an error of a sync; see EndOfProcess in Sources/Store.
EXIT_INTERNAL = 70
MIB = 1 << 20


def writers_on(cluster, count=4):
    leader = cluster.wait_for_leader()
    cluster.ask(leader, "POST", "secret/config", {"max_versions": 100})
    writers = [Writer(cluster, number) for number in range(count)]
    for writer in writers:
        writer.start()
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
        writers = writers_on(cluster)
        self.goes_on(writers)

        def follower():
            leader = cluster.wait_for_leader()
            return self.random.choice([n for n in cluster.nodes if n is not leader])

        def vote():
            # A vote is due on all others when the leader lets another one lead.
            cluster.ask(cluster.wait_for_leader(), "PUT", "sys/step-down")

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
        writers = writers_on(cluster)
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
