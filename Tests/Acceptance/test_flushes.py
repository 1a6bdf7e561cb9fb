"""Counts what reaches the disk: at most two flushes a replica a batch."""

import os
import pathlib
import re
import signal
import subprocess
import threading
import time

from support import ClusterTest, wait_until

# What LMDB's commit does: data with fdatasync, then the meta page through an O_DSYNC descriptor.
CALLS = "fsync,fdatasync,sync_file_range,msync,pwrite64,pwritev,openat"


class Flushes(ClusterTest):
    def trace(self, node):
        log = f"{self.folder.name}/trace-{node.name}"
        process = subprocess.Popen(
            ["strace", "-f", "-y", "-qq", "-e", f"trace={CALLS}", "-o", log, "-p",
             str(node.pid)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("strace is attached", lambda: "TracerPid:\t0" not in pathlib.Path(
            f"/proc/{node.pid}/status").read_text())
        return process, log

    def dsync_descriptors(self, node):
        """Numbers of descriptors on the store that were opened with O_DSYNC."""
        found = set()
        for name in os.listdir(f"/proc/{node.pid}/fd"):
            try:
                target = os.readlink(f"/proc/{node.pid}/fd/{name}")
                flags = pathlib.Path(f"/proc/{node.pid}/fdinfo/{name}").read_text()
            except OSError:
                continue
            octal = int(re.search(r"flags:\s+(\d+)", flags).group(1), 8)
            if target.endswith("holdfast.mdb") and octal & os.O_DSYNC:
                found.add(name)
        return found

    def count(self, log, dsync):
        flushes = 0
        for line in pathlib.Path(log).read_text(errors="replace").splitlines():
            # The audit log is flushed by the clock, whatever the number of batches.
            if "/audit/" in line:
                continue
            if re.search(r"\b(fsync|fdatasync|msync|sync_file_range)\(", line):
                flushes += 1
            written = re.search(r"\b(?:pwrite64|pwritev)\((\d+)<", line)
            if written and written.group(1) in dsync:
                flushes += 1
        return flushes

    def test_at_most_two_a_replica_a_batch(self):
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        dsync = {node.name: self.dsync_descriptors(node) for node in cluster.nodes}
        self.assertTrue(all(dsync.values()), "no O_DSYNC descriptor: what is counted below?")
        time.sleep(1)
        traces = {node.name: self.trace(node) for node in cluster.nodes}
        before = cluster.ask(leader, "GET", "sys/leader")["raft_committed_index"]
        def write(writer):
            for number in range(60):
                cluster.ask(leader, "POST", f"secret/data/w{writer}", {"data": {"n": number}})

        # Eight at once, so that an append always follows for the apply to ride with.
        writers = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        batches = cluster.ask(leader, "GET", "sys/leader")["raft_committed_index"] - before
        self.assertGreaterEqual(batches, 480)
        for process, _ in traces.values():
            process.send_signal(signal.SIGINT)
            process.wait()
        for node in cluster.nodes:
            flushes = self.count(traces[node.name][1], dsync[node.name])
            print(f"\n{node.name}: {flushes} flushes for {batches} batches", end="")
            self.assertGreaterEqual(flushes, 20, "the trace saw nothing")
            self.assertLessEqual(flushes, 2 * batches)
