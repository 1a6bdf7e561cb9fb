"""What clients saw of three nodes that are killed and stopped, judged by the checker of histories.

The simulator does this for every seed; here it is real processes, disks and clocks. Each client
notes when it asked, when the answer came, and what it was. `history-check` then looks for one order
of all operations on a key that explains every answer, and for stale reads that are too old.
"""

import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import threading
import time
import unittest

from support import BINARY, ROOT, ClusterTest
from test_reads import read

SECONDS = 8 if os.environ.get("HOLDFAST_TEST_QUICK") else 12
KEYS = 3
CLIENTS = 6
STALE_SECONDS = 2
# What a client waits for an answer: a read that a stopped leader has may come much later.
PATIENCE = 6


def checker():
    beside = pathlib.Path(BINARY).with_name("history-check")
    return str(beside if beside.exists() else ROOT / ".build/debug/history-check")


class Client(threading.Thread):
    """Reads and writes a few keys through any node, and notes what it is told."""

    def __init__(self, cluster, number, dice):
        super().__init__(daemon=True)
        self.cluster, self.number, self.dice = cluster, number, dice
        self.seen = {}
        self.lines = []
        self.over = threading.Event()

    def run(self):
        count = 0
        while not self.over.is_set():
            key = self.dice.randrange(KEYS)
            node = self.dice.choice(self.cluster.nodes)
            count += 1
            draw = self.dice.random()
            if draw < 0.4:
                self.get(node, key, stale=draw < 0.1)
            else:
                self.put(node, key, f"{self.number}-{count}", checks=draw < 0.8)
            time.sleep(self.dice.uniform(0, 0.02))

    def note(self, called, op, key, outcome, **members):
        end = None if outcome == "unknown" else time.monotonic_ns()
        self.lines.append({
            "op": op, "key": f"key-{key}", "client": self.number, "call": called, "end": end,
            "outcome": outcome, **members,
        })

    def get(self, node, key, stale):
        headers = {}
        if stale:
            headers = {"X_Holdfast_Consistency": "stale",
                       "X_Holdfast_Max_Staleness": f"{STALE_SECONDS}s"}
        called = time.monotonic_ns()
        try:
            status, _, body = read(
                self.cluster, node, f"secret/data/key-{key}", timeout=PATIENCE, **headers)
        except OSError:
            return  # Who was told nothing has nothing to say.
        members = {"stale_bound": STALE_SECONDS * 1_000_000_000} if stale else {}
        if status == 200:
            data = body["data"]
            value, version = data["data"]["value"], data["metadata"]["version"]
            if not stale:
                self.seen[key] = version
            self.note(called, "get", key, "ok", value=value, version=version, **members)
        elif status == 404:
            self.note(called, "get", key, "ok", value=None, **members)

    def put(self, node, key, value, checks):
        body = {"data": {"value": value}}
        members = {"value": value}
        if checks:
            # What it saw last; somebody else may have written since.
            members["if_version"] = self.seen.get(key, 0)
            body["options"] = {"cas": members["if_version"]}
        called = time.monotonic_ns()
        try:
            answer = self.cluster.call(
                node, "POST", f"secret/data/key-{key}", body, self.cluster.root_token, PATIENCE)
        except OSError:
            return self.note(called, "put", key, "unknown", **members)
        if answer.status == 200:
            self.seen[key] = answer.json["data"]["version"]
            self.note(called, "put", key, "ok", version=self.seen[key], **members)
        elif answer.status == 409:
            # "Applied, its answer was lost."
            self.note(called, "put", key, "ok", **members)
        elif answer.status == 400 and "check-and-set" in answer.text:
            self.note(called, "put", key, "mismatch", **members)
        else:
            self.note(called, "put", key, "unknown", **members)


class History(ClusterTest):
    def judge(self, lines):
        path = pathlib.Path(self.folder.name) / "history"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return subprocess.run([checker(), str(path)], capture_output=True, text=True, timeout=120)

    def disturb(self, cluster, until):
        """Kills and stops, one node at a time, so that the others can go on."""
        while time.monotonic() < until:
            node = self.random.choice(cluster.nodes)
            if self.random.random() < 0.5:
                cluster.kill(node)
                time.sleep(self.random.uniform(0, 0.5))
                cluster.restart(node)
                cluster.unseal(node)
            else:
                node.daemon.send(signal.SIGSTOP)
                time.sleep(self.random.uniform(0.2, 2))
                node.daemon.send(signal.SIGCONT)
            time.sleep(self.random.uniform(0.2, 1))

    def walk(self, **options):
        cluster = self.open_cluster(**options)
        clients = [Client(cluster, number, random.Random(self.random.random()))
                   for number in range(1, CLIENTS + 1)]
        self.start_beside(clients)
        self.disturb(cluster, time.monotonic() + SECONDS)
        for client in clients:
            client.over.set()
        for client in clients:
            client.join(2 * PATIENCE)
        lines = [line for client in clients for line in client.lines]
        told = collections.Counter((line["op"], line["outcome"]) for line in lines)
        for kind in [("get", "ok"), ("put", "ok"), ("put", "mismatch")]:
            self.assertGreater(told[kind], 20, f"too little happened: {told}")
        done = self.judge(lines)
        self.assertEqual(done.returncode, 0, f"{told}\n{done.stdout}{done.stderr}")
        return lines

    def test_one_order_explains_what_clients_saw(self):
        lines = self.walk()
        # And a history that is wrong is seen: the oldest value, read at the end.
        reads = [line for line in lines if line["op"] == "get" and line.get("value")]
        first = min(reads, key=lambda line: line["version"])
        last = max(line["end"] or line["call"] for line in lines)
        wrong = dict(first, client=99, call=last + 1, end=last + 2)
        wrong.pop("stale_bound", None)
        self.assertEqual(self.judge([*lines, wrong]).returncode, 1)

    def test_with_read_leases_too(self):
        self.walk(settings={"read_lease": "true"})


if __name__ == "__main__":
    unittest.main()
