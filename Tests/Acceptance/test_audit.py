"""The audit log of running nodes: what its files prove alone, and what with anchors of others."""

import json
import os
import pathlib
import shutil
import subprocess
import threading
import time
import unittest

from pages import run_page
from support import BINARY, ClusterTest, clean_environment, wait_until


class Audit(ClusterTest):
    def setUp(self):
        super().setUp()
        self.world = self.open_cluster()

    def put(self, node, name):
        self.world.ask(node, "POST", f"secret/data/{name}", {"data": {"password": "hunter2"}})

    def anchors(self, node):
        return self.world.ask(node, "GET", "sys/audit-anchors")["data"]

    def log_folder(self, node):
        folders = list((pathlib.Path(node.folder) / "data" / "audit").iterdir())
        self.assertEqual(len(folders), 1)
        return folders[0]

    def run_audit(self, *words):
        return subprocess.run(
            [BINARY, "audit", *words, "-format=json"], capture_output=True, text=True,
            timeout=120, env=clean_environment())

    def verify(self, folder, key, anchors=None):
        words = ["verify", f"-folder={folder}", f"-key={key}"]
        if anchors:
            words.append(f"-anchors={anchors}")
        done = self.run_audit(*words)
        verdict = json.loads(done.stdout)
        self.assertEqual(done.returncode == 0, verdict["intact"], done.stderr)
        return verdict

    def kinds(self, verdict):
        return {finding["kind"] for finding in verdict["findings"]}

    def anchored_size(self, data, folder_name):
        sizes = [int(note.split("\n")[1]) for note in data["anchors"] + data["newest"]
                 if f"/{folder_name}-" in note.split("\n")[0]]
        return max(sizes, default=0)

    def wait_for_anchor(self, node, name, above):
        return wait_until(
            f"an anchor of {name} above {above}",
            lambda: self.anchored_size(self.anchors(node), name) > above, 60)

    def write_anchors(self, data, path):
        notes = list(dict.fromkeys(data["newest"] + data["anchors"]))
        path.write_text("\n".join(notes))
        return path

    def test_what_files_and_anchors_prove(self):
        node, other = self.world.nodes[0], self.world.nodes[1]
        for number in range(30):
            self.put(node, f"name-{number}")
        self.wait_for_anchor(other, node.name, 30)
        size = self.anchored_size(self.anchors(other), node.name)
        for number in range(30):
            self.put(node, f"later-{number}")
        self.wait_for_anchor(other, node.name, size + 30)
        data = self.anchors(other)
        key = data["key"]

        # The folder tells no name and no secret.
        live = self.log_folder(node)
        content = b"".join(file.read_bytes() for file in live.iterdir())
        for secret in (b"name-1", b"hunter2", self.world.root_token.encode(), b"secret/data"):
            self.assertNotIn(secret, content)

        # On the live folder: complete, and honest about what that does not say.
        copy = pathlib.Path(self.folder.name) / "copy"
        shutil.copytree(live, copy)
        verdict = self.verify(copy, key)
        self.assertTrue(verdict["intact"], verdict["findings"])
        self.assertGreaterEqual(verdict["signed_leaves"], size)
        self.assertIn("that takes anchors which another node kept", " ".join(verdict["claims"]))
        anchors = self.write_anchors(data, pathlib.Path(self.folder.name) / "anchors")
        verdict = self.verify(copy, key, anchors)
        self.assertTrue(verdict["intact"], verdict["findings"])
        self.assertGreaterEqual(verdict["anchored_leaves"], size + 30)
        self.assertIn("there is no second history", " ".join(verdict["claims"]))

        # Altered, deleted, reordered: files and public key alone show it.
        file = sorted(copy.iterdir())[0]
        good = file.read_bytes()
        frames = self.frames(good)
        leaves = [place for place, frame in enumerate(frames[1:], 1) if frame[4] == 1]
        at = leaves[10]

        def rewritten(change):
            changed = list(frames)
            change(changed)
            file.write_bytes(good[:13] + b"".join(changed))
            found = self.verify(copy, key)
            self.assertFalse(found["intact"])
            return self.kinds(found)

        def alter(changed):
            body = bytearray(changed[at])
            body[60] ^= 1
            changed[at] = self.summed(bytes(body[:-4]))

        def delete(changed):
            del changed[at]

        def swap(changed):
            changed[at], changed[at + 1] = changed[at + 1], changed[at]

        for change in (alter, delete, swap):
            with self.subTest(change.__name__):
                self.assertTrue(rewritten(change))

        # Truncated at a checkpoint: files alone look complete, anchors show it.
        checkpoints = [place for place, frame in enumerate(frames) if frame[4] == 2]
        cut = frames[:checkpoints[0] + 1]
        file.write_bytes(good[:13] + b"".join(cut))
        for later in sorted(copy.iterdir())[1:]:
            later.unlink()
        self.assertTrue(self.verify(copy, key)["intact"], "files alone do not show it")
        found = self.verify(copy, key, anchors)
        self.assertIn("truncated", self.kinds(found))

    def test_a_fork_shows_with_anchors_of_another_node(self):
        node, other = self.world.nodes[0], self.world.nodes[1]
        self.put(node, "before")
        self.world.kill(node)
        live = self.log_folder(node)
        kept = pathlib.Path(self.folder.name) / "kept"
        shutil.copytree(live, kept)

        def live_again():
            self.world.restart(node)
            self.world.unseal(node)
            self.world.wait_for_leader()

        def use():
            for number in range(5):
                self.put(node, f"again-{number}")

        live_again()
        # What the two histories have in common proves nothing, so there has to be an anchor beyond.
        common = self.verify(live, self.anchors(other)["key"])["leaves"]
        use()
        self.wait_for_anchor(other, node.name, common)
        first = self.anchors(other)
        before = self.anchored_size(first, node.name)
        self.world.kill(node)
        # Its folder is put back, as an image of a machine would be, and it goes on from there.
        shutil.rmtree(live)
        shutil.copytree(kept, live)
        live_again()
        # And the others did not take the second history for an anchor, and said so; unless the node
        # saw by what it holds of the anchors that its log was cut off, and began another one.
        def somebody_said(words):
            return any(words in entry.daemon.last_lines(4_000) for entry in self.world.nodes)

        wait_until(
            "somebody says so",
            lambda: somebody_said("was not anchored") or somebody_said("begun beside it"), 60)
        use()
        if not somebody_said("begun beside it"):
            wait_until(
                "the second history is signed",
                lambda: self.verify(live, first["key"])["signed_leaves"] > common, 60)
        self.assertTrue(self.verify(live, first["key"])["intact"], "alone it looks complete")
        anchors = self.write_anchors(first, pathlib.Path(self.folder.name) / "first")
        found = self.verify(live, first["key"], anchors)
        self.assertFalse(found["intact"])
        self.assertTrue(self.kinds(found) & {"forked", "altered", "truncated"}, found["findings"])

    def test_examples(self):
        work = pathlib.Path(self.folder.name) / "page-Audit"
        work.mkdir()
        (work / "log").symlink_to(self.log_folder(self.world.nodes[0]).resolve())
        run_page(self, self.world, "Audit", scripts_min=4, OTHER=self.world.nodes[1].address)

    def tail(self, folder, node, *words, token=None):
        environment = clean_environment() | {
            "HOLDFAST_ADDR": node.address, "HOLDFAST_CACERT": self.world.ca_file() or "",
            "HOLDFAST_TOKEN": token or self.world.root_token}
        return subprocess.Popen([BINARY, "audit", "tail", f"-folder={folder}", *words],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=environment)

    def tailed(self, folder, node, *words, status=0, **options):
        process = self.tail(folder, node, *words, **options)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, status, err)
        return out, err

    def test_tail_follows_across_a_restart_and_reads_what_another_node_left(self):
        node, other = self.world.nodes[0], self.world.nodes[1]
        self.put(node, "first")
        live = self.log_folder(node)
        process = self.tail(live, other, "-f", "-format=json", "-path=secret/")
        lines = []

        def collect():
            for line in process.stdout:
                lines.append(json.loads(line))

        reader = threading.Thread(target=collect)
        reader.start()
        try:
            def shows(name, count=2):
                paths = [line["request"]["path"] for line in lines]
                return paths.count(f"secret/data/{name}") == count

            wait_until("what was there is shown", lambda: shows("first"), 30)
            self.put(node, "second")
            wait_until("what comes is shown", lambda: shows("second"), 30)
            self.world.ask(node, "POST", "sys/loggers", {"level": "info"})
            self.world.kill(node)
            self.world.restart(node)
            self.world.unseal(node)
            self.world.wait_for_leader()
            self.put(node, "third")
            wait_until("so is what comes in the next segment", lambda: shows("third"), 30)
            self.assertIsNone(process.poll(), "it goes on")
        finally:
            process.terminate()
            process.wait(30)
            reader.join(30)
            process.stdout.close()
            process.stderr.close()
        leaves = [line["leaf"] for line in lines]
        self.assertEqual(leaves, sorted(set(leaves)), "each once, in their order")
        self.assertNotIn("hunter2", json.dumps(lines))
        self.assertNotIn(self.world.root_token, json.dumps(lines))

        # The node is down: another one has the key of its files.
        self.world.kill(node)
        out, _ = self.tailed(live, other, "-path=secret/data/third")
        self.assertIn("answered", out)
        out, _ = self.tailed(live, other, "-path=secret/", "-lines=100")
        self.assertEqual(len(out.splitlines()), len(lines))
        # Who did what no mount serves, and what allowed it, is there as well.
        out, _ = self.tailed(live, other, "-path=sys/loggers", "-format=json")
        line = json.loads(out.splitlines()[-1])
        self.assertEqual(line["request"]["operation"], "update")
        self.assertTrue(line["request"]["data"]["level"].startswith("hmac-sha256:"))
        self.assertEqual(line["auth"]["display_name"], "root")
        self.assertTrue(line["auth"]["accessor"].startswith("hmac-sha256:"))
        granting = line["auth"]["policy_results"]["granting_policies"]
        self.assertEqual([policy["name"] for policy in granting], ["root"])
        _, err = self.tailed(live, other, token="wrong", status=2)
        self.assertIn("permission denied", err)

        # Damage is named, and what is not damaged is shown.
        copy = pathlib.Path(self.folder.name) / "copy"
        shutil.copytree(live, copy)
        first = sorted(copy.glob("audit-0*.log"))[0]
        content = bytearray(first.read_bytes())
        content[len(content) // 2] ^= 4
        first.write_bytes(content)
        out, err = self.tailed(copy, other, "-path=secret/", "-lines=100", status=1)
        self.assertIn(f"{first} is damaged at byte", err)
        self.assertIn("secret/data/third", out)
        first.chmod(0)
        if not os.access(first, os.R_OK):
            _, err = self.tailed(copy, other, "-lines=100", status=1)
            self.assertIn("Permission denied", err)

    def test_beside_a_damaged_log_another_one_is_begun(self):
        node, other = self.world.nodes[0], self.world.nodes[1]
        for number in range(5):
            self.put(node, f"before-{number}")
        first = self.log_folder(node)
        self.wait_for_anchor(other, node.name, 5)
        anchored = self.anchored_size(self.anchors(other), node.name)
        self.world.kill(node)
        file = sorted(first.glob("audit-0*.log"))[-1]
        content = bytearray(file.read_bytes())
        content[len(content) // 3] ^= 4
        file.write_bytes(content)

        self.world.restart(node)
        self.world.unseal(node)
        self.assertIn("another one was begun beside it", node.daemon.last_lines(400))
        for number in range(5):
            self.put(node, f"after-{number}")
        self.assertEqual(file.read_bytes(), content, "the damaged log is as it was")
        second = first.with_name(first.name + ".2")
        self.assertTrue(second.is_dir())

        def is_anchored():
            notes = self.anchors(other)["newest"]
            names = [note.split("\n")[0] for note in notes if f"/{node.name}-" in note]
            return len(names) == 2 and names

        names = wait_until("both logs of the node are anchored", is_anchored, 60)
        self.assertEqual(sum(name.endswith(".2") for name in names), 1)
        data = self.anchors(other)
        anchors = self.write_anchors(data, pathlib.Path(self.folder.name) / "anchors")
        verdict = self.verify(second, data["key"], anchors)
        self.assertTrue(verdict["intact"], verdict["findings"])
        self.assertGreater(verdict["anchored_leaves"], 5)
        self.assertIn("begun beside a damaged one", " ".join(verdict["claims"]))
        verdict = self.verify(first, data["key"], anchors)
        self.assertFalse(verdict["intact"])
        self.assertGreaterEqual(anchored, 5)
        gauges = self.world.ask(node, "GET", "sys/metrics")["Gauges"]
        found = {gauge["Name"]: gauge["Value"] for gauge in gauges}
        self.assertEqual(found["holdfast_audit_damaged_logs"], 1)
        self.assertGreater(found["holdfast_audit_room_bytes"], 1 << 20)

    def test_idle_nodes_write_no_anchors(self):
        self.put(self.world.nodes[0], "one")
        seen = []

        # Questions about the position are not on the record. If anchors went on without requests
        # the log would never stand still for three seconds.
        def is_still():
            seen.append((time.monotonic(), self.world.positions()))
            while seen[0][1] != seen[-1][1]:
                del seen[0]
            return seen[-1][0] - seen[0][0] > 3

        wait_until("the log stands still", is_still, 60)

    def frames(self, content):
        frames, offset = [], 13
        while offset < len(content):
            length = int.from_bytes(content[offset:offset + 4], "big")
            frames.append(content[offset:offset + 9 + length])
            offset += 9 + length
        return frames

    def summed(self, body):
        return body + crc32c(body).to_bytes(4, "big")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


if __name__ == "__main__":
    unittest.main()
