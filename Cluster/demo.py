"""The story that Cluster/demo tells; see there for how to run it. Standard library only."""

import argparse
import json
import os
import pathlib
import secrets
import shlex
import shutil
import signal
import sys
import tempfile
import threading
import time

from holdfast_cluster import FIVE_IN_THREE, ClusterError, HoldfastCluster, scan_files, wait_until

HERE = pathlib.Path(__file__).resolve().parent
KEPT = HERE / ".demo"
PATH = "secret/data/payments/api-key"


class Story:
    """Runs steps, prints each with its time, and remembers which were true."""

    def __init__(self):
        self.rows = []
        self.begin = time.monotonic()

    def say(self, text):
        print(f"  {time.monotonic() - self.begin:6.1f} s  {text}", flush=True)

    def head(self, text):
        print(f"\n{text}", flush=True)

    def check(self, what, is_true, detail=""):
        self.rows.append((what, is_true, detail))
        self.say(f"{'yes' if is_true else 'NO '}  {what}{': ' + detail if detail else ''}")

    def table(self):
        width = max(len(what) for what, _, _ in self.rows)
        print(f"\n{'What happened':<{width}}  True  Detail\n{'-' * width}  ----  {'-' * 30}")
        for what, is_true, detail in self.rows:
            print(f"{what:<{width}}  {'yes' if is_true else 'NO':<4}  {detail}")
        return all(is_true for _, is_true, _ in self.rows)


class Prober(threading.Thread):
    """Writes without pause through the nodes that are left, and notes when each was acknowledged."""

    def __init__(self, cluster, nodes):
        super().__init__(daemon=True)
        self.cluster, self.nodes = cluster, nodes
        self.acknowledged = []
        self.refused = 0
        self.last = 0
        self.over = threading.Event()

    def run(self):
        turn = 0
        while not self.over.is_set():
            node = self.nodes[turn % len(self.nodes)]
            try:
                answer = self.cluster.call(
                    node, "POST", "secret/data/probe", {"data": {"n": turn}},
                    self.cluster.root_token, timeout=10,
                )
                if answer.status == 200:
                    self.acknowledged.append(time.monotonic_ns())
                    self.last = turn
                else:
                    self.refused += 1
            except OSError:
                self.refused += 1
            turn += 1
            time.sleep(0.002)

    def stop(self):
        self.over.set()
        self.join(15)


def read(cluster, node):
    answer = cluster.call(node, "GET", PATH, token=cluster.root_token)
    if answer.status != 200:
        return f"status {answer.status}: {answer.errors()}"
    return answer.json["data"]["data"].get("value")


def write(cluster, node, value):
    cluster.ask(node, "POST", PATH, {"data": {"value": value}})


def set_up(story, cluster):
    story.head("Five nodes in three regions")
    cluster.start_all()
    story.say("initialise: 5 shares, any 3 of them open the vault")
    cluster.initialise(shares=5, threshold=3)
    for node in cluster.nodes:
        cluster.unseal(node)
        story.say(f"unsealed {node.name}")
    leader = cluster.wait_for_leader()
    story.check("all nodes unsealed, one leads", True, f"leader {leader.name}")
    cluster.enable_kv()


def lose_the_region(story, cluster, value):
    leader = cluster.wait_for_leader()
    others = [node for node in cluster.nodes if node.region != leader.region]
    story.head(f"Region {leader.region} burns down: SIGKILL to every node in it")
    prober = Prober(cluster, others)
    prober.start()
    wait_until("writes flow before the region is lost", lambda: len(prober.acknowledged) >= 20)
    at = cluster.kill_region(leader.region)
    wait_until(
        "a write is acknowledged after the loss",
        lambda: prober.acknowledged and prober.acknowledged[-1] > at + 20_000_000, 60,
    )
    time.sleep(0.3)
    prober.stop()
    times = [at] + [moment for moment in prober.acknowledged if moment > at]
    gap = max(later - earlier for earlier, later in zip(times, times[1:])) / 1e9
    new_leader = cluster.wait_for_leader()
    story.check("another region leads", new_leader.region != leader.region, new_leader.name)
    story.check("writes were refused for", gap < 10, f"{gap:.3f} s, {prober.refused} failed")
    found = read(cluster, others[0])
    story.check("the secret is still there", found == value, f"read on {others[0].name}")
    count = cluster.call(others[0], "GET", "secret/data/probe", token=cluster.root_token).json
    story.check("the last acknowledged write is there",
                count["data"]["data"]["n"] >= prober.last, f"write {prober.last}")
    return leader, others


def come_back(story, cluster, leader, others, value):
    story.head(f"Region {leader.region} comes back")
    dead = [node for node in cluster.nodes if node.region == leader.region]
    for node in dead:
        cluster.restart(node)
    for node in dead:
        cluster.unseal(node)
        index = cluster.wait_until_caught_up(node)
        found = read(cluster, node)
        story.check(f"{node.name} caught up", found == value, f"entry {index}, reads the new value")
    positions = cluster.positions()
    story.say("applied: " + "  ".join(f"{name} {index}" for name, index in positions.items()))


def scan(story, cluster, values):
    story.head("Looking for the secret on disk")
    wanted = {"name": b"payments/api-key", "part of the name": b"api-key"}
    wanted |= {f"value {position + 1}": value.encode() for position, value in enumerate(values)}
    folders = [node.folder for node in cluster.nodes]
    size = sum(path.stat().st_size for folder in folders for path in folder.rglob("*")
               if path.is_file())
    hits = scan_files(folders, wanted)
    for file, name, form in hits:
        story.say(f"found {name} ({form}) in {file}")
    story.check("neither name nor value in any data folder", not hits, f"{size >> 20} MiB scanned")


def tell(story, cluster):
    set_up(story, cluster)
    first, second = secrets.token_hex(16), secrets.token_hex(16)
    story.head("A secret")
    eu = cluster.node("eu-1")
    ap = cluster.node("ap-1")
    write(cluster, eu, first)
    story.check("written in eu, read in ap", read(cluster, ap) == first, "linearizable read")
    leader, others = lose_the_region(story, cluster, first)
    write(cluster, others[-1], second)
    story.check("a new value is written and read", read(cluster, others[0]) == second,
                f"written on {others[-1].name}, read on {others[0].name}")
    come_back(story, cluster, leader, others, second)
    scan(story, cluster, [first, second])


def environment(cluster):
    node = cluster.wait_for_leader()
    values = {}
    for prefix in ("HOLDFAST", "BAO", "VAULT"):
        values[f"{prefix}_ADDR"] = node.address
        values[f"{prefix}_TOKEN"] = cluster.root_token
        values[f"{prefix}_CACERT"] = cluster.ca_file()
    for each in cluster.nodes:
        name = each.name.upper().replace("-", "_")
        values[f"HOLDFAST_{name}_ADDR"] = each.address
        values[f"HOLDFAST_{name}_PID"] = str(each.pid)
        values[f"HOLDFAST_{name}_DATA"] = str(each.data)
    values["HOLDFAST_NODES"] = " ".join(each.name for each in cluster.nodes)
    for position, share in enumerate(cluster.keys):
        values[f"HOLDFAST_SHARE_{position + 1}"] = share
    values["HOLDFAST_KEYS_JSON"] = json.dumps(cluster.keys)
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def keep(cluster, binary):
    file = KEPT / "env"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(environment(cluster))
    (KEPT / "pids").write_text(
        "".join(f"{node.pid} {node.config}\n" for node in cluster.nodes)
    )
    shown = os.path.relpath(file)
    print(f"\nThe cluster keeps running. To talk to it:\n\n    source {shown}\n"
          f"    {os.path.relpath(binary)} cluster status\n    bao kv get secret/payments/api-key\n\n"
          "To end it:\n\n    Cluster/demo --stop")


def stop():
    pids = KEPT / "pids"
    if not pids.exists():
        print("demo: no cluster is kept")
        return 0
    ended = 0
    for line in pids.read_text().splitlines():
        pid, config = line.split(" ", 1)
        # A process that is not ours any more must not be touched: numbers are given out again.
        try:
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if config.encode() not in command:
            continue
        os.kill(int(pid), signal.SIGTERM)
        ended += 1
        for _ in range(100):
            if not pathlib.Path(f"/proc/{pid}").exists():
                break
            time.sleep(0.1)
        else:
            os.kill(int(pid), signal.SIGKILL)
    shutil.rmtree(KEPT, ignore_errors=True)
    print(f"demo: {ended} nodes ended, their data removed")
    return 0


def main():
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("--binary")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--stop", action="store_true")
    arguments = parser.parse_args()
    if arguments.stop:
        return stop()
    if arguments.keep:
        if (KEPT / "pids").exists():
            print("demo: a cluster is kept already; Cluster/demo --stop ends it", file=sys.stderr)
            return 1
        KEPT.mkdir(mode=0o700, exist_ok=True)
        folder = KEPT / "nodes"
        folder.mkdir(mode=0o700, exist_ok=True)
    else:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-demo-"))
    story = Story()
    cluster = HoldfastCluster(arguments.binary, folder, FIVE_IN_THREE, say=story.say)
    is_kept = False
    try:
        tell(story, cluster)
        is_true = story.table()
        if is_true and arguments.keep:
            keep(cluster, arguments.binary)
            is_kept = True
        return 0 if is_true else 1
    except (ClusterError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        for node in cluster.nodes:
            if node.daemon:
                print(f"--- {node.name}\n{node.daemon.last_lines(6)}", file=sys.stderr)
        return 1
    finally:
        if not is_kept:
            cluster.stop()
            shutil.rmtree(folder, ignore_errors=True)
            if arguments.keep:
                shutil.rmtree(KEPT, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
