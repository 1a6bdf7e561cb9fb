"""What a node refuses to start on, and what it says then."""

import pathlib
import re
import shutil
import subprocess
import time

from support import BINARY, ONE, ClusterTest, clean_environment, wait_until


class Starts(ClusterTest):
    def start_fails(self, cluster, node, *words):
        """The node ends by itself, with a non-zero code, and says these words."""
        node = cluster.node(node)
        node.daemon.log.write_text("")
        node.daemon.start()
        wait_until(f"{node.name} refuses to start", lambda: not node.is_alive(), 20)
        said = node.daemon.log.read_text()
        self.assertGreater(node.daemon.process.returncode, 0,
                           f"ended by {node.daemon.process.returncode}: {said}")
        for word in words:
            self.assertRegex(said, re.compile(word, re.I))
        self.assertNotIn("Fatal error", said)

    def stopped(self):
        cluster = self.open_cluster(ONE, shares=1, threshold=1)
        for number in range(50):
            cluster.ask("eu-1", "POST", f"secret/data/{number}", {"data": {"n": number}})
        cluster.stop()
        return cluster, cluster.nodes[0]

    def test_a_folder_of_another_cluster(self):
        one, _ = self.stopped()
        other = self.cluster(ONE)
        other.prepare()
        shutil.copytree(one.nodes[0].data, other.nodes[0].data, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("node-key.pem"))
        self.start_fails(other, "eu-1", "cluster")

    def test_a_newer_format(self):
        cluster, node = self.stopped()
        file = node.data / "FORMAT"
        file.write_text("holdfast store 99 9af10ab1\n")
        self.start_fails(cluster, "eu-1", "99", "format")

    def test_a_damaged_format(self):
        """It must not look like a newer one: no newer program would help."""
        cluster, node = self.stopped()
        file = node.data / "FORMAT"
        file.write_text(re.sub(r"\d+", "99", file.read_text(), count=1))
        self.start_fails(cluster, "eu-1", "damaged", "FORMAT")

    def test_a_damaged_vote_file(self):
        cluster, node = self.stopped()
        file = node.data / "vote"
        file.write_bytes(bytes(255 - byte for byte in file.read_bytes()))
        self.start_fails(cluster, "eu-1", "vote")

    def test_one_damaged_copy_of_the_vote_is_survived(self):
        cluster, node = self.stopped()
        file = node.data / "vote"
        whole = bytearray(file.read_bytes())
        for position in range(40):
            whole[position] ^= 0xFF
        file.write_bytes(whole)
        cluster.restart(node)
        cluster.unseal(node)
        self.assertEqual(cluster.ask(node, "GET", "secret/data/7")["data"]["data"], {"n": 7})

    def test_a_missing_vote_file(self):
        cluster, node = self.stopped()
        (node.data / "vote").unlink()
        self.start_fails(cluster, "eu-1", "vote")

    def test_a_damaged_store(self):
        cluster, node = self.stopped()
        file = node.data / "holdfast.mdb"
        whole = bytearray(file.read_bytes())
        used = len(whole.rstrip(b"\0"))
        for position in range(8192, used, 97):
            whole[position] ^= 0x5A
        file.write_bytes(whole)
        self.start_fails(cluster, "eu-1", ".")

    def test_a_damaged_log_tail(self):
        cluster, node = self.stopped()
        file = node.data / "holdfast.mdb"
        whole = bytearray(file.read_bytes())
        # The body of a late entry: found by what no other page holds, a long run of one log chunk.
        used = len(whole.rstrip(b"\0"))
        clean = bytes(whole)
        hits = 0
        for page in range(2, used // 4096):
            for position in range(page * 4096 + 2048, page * 4096 + 4096, 512):
                if whole[position]:
                    whole[position] ^= 0x01
                    hits += 1
        self.assertNotEqual(clean, bytes(whole))
        file.write_bytes(whole)
        self.start_fails(cluster, "eu-1", ".")

    def test_wrong_settings(self):
        cluster = self.cluster(ONE)
        cluster.prepare()
        node = cluster.nodes[0]
        good = node.config.read_text()
        for change, words in [
            (lambda text: text.replace("api_listen", "api_lisen"), ["api_lisen", "api_listen"]),
            (lambda text: text + 'colour = "red"\n', ["colour"]),
            (lambda text: text.replace('node = "eu-1"', 'node = "eu-9"'), ["eu-9", "eu-1"]),
            (lambda text: text.replace('node = "eu-1"', "node = 7"), ["node", "string"]),
            (lambda text: text.replace('node = "eu-1"\n', ""), ["node", "missing"]),
            (lambda text: text.replace(node.pin, "00" * 32), ["pin", node.pin, "0000"]),
            (lambda text: text.replace(node.pin, "xyz"), ["pin", "hex"]),
            (lambda text: text + "[[[", ["TOML"]),
        ]:
            node.config.write_text(change(good))
            self.start_fails(cluster, node, *words)
        node.config.write_text(good)
        cluster.start_all()

    def test_mangled_settings_never_crash(self):
        cluster = self.cluster(ONE)
        cluster.prepare()
        good = cluster.nodes[0].config.read_bytes()
        mangled = pathlib.Path(self.folder.name) / "mangled.toml"
        odd = [b"[", b"[[", b'"""', b"'''", b"{", b"=", b"\n", b"0x", b"1979-", b"\\u", b"#"]
        for _ in range(300):
            text = bytearray(good)
            for _ in range(self.random.choice([1, 1, 2, 5, 20])):
                position = self.random.randrange(len(text))
                kind = self.random.randrange(3)
                if kind == 0:
                    text[position] = self.random.randrange(256)
                elif kind == 1:
                    del text[position:position + self.random.randrange(1, 20)]
                else:
                    text[position:position] = self.random.choice(odd)
            # What is still a good file must not start a node here.
            mangled.write_bytes(b"api_listen_ = 1\n" + text)
            done = subprocess.run([BINARY, "server", "--config", str(mangled)],
                                  capture_output=True, env=clean_environment(), timeout=20)
            self.assertGreater(done.returncode, 0, (done.stderr[-800:], bytes(text)))

    def test_a_second_process_on_the_same_folder(self):
        cluster = self.open_cluster(ONE, shares=1, threshold=1)
        node = cluster.nodes[0]
        done = subprocess.run([BINARY, "server", "--config", str(node.config)],
                              capture_output=True, text=True, env=clean_environment(), timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(node.pid), done.stdout + done.stderr)
        self.assertEqual(cluster.health(node), 200)

    def test_looking_for_a_store_makes_none(self):
        folder = pathlib.Path(self.folder.name) / "nothing"
        done = subprocess.run([BINARY, "check-store", "--data", str(folder)], timeout=30,
                              capture_output=True, text=True, env=clean_environment())
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("No such file or directory", done.stderr)
        self.assertFalse(folder.exists())

    def test_two_different_initial_configurations(self):
        cluster = self.cluster()
        cluster.prepare()
        odd = cluster.nodes[2]
        odd.config.write_text(odd.config.read_text().replace('region = "us"', 'region = "mars"'))
        for node in cluster.nodes:
            node.daemon.start()

        def both_shown():
            said = odd.daemon.log.read_text() + cluster.nodes[0].daemon.log.read_text()
            return "mars" in said and said.count("eu-1") >= 2
        wait_until("the difference is shown", both_shown)
        # The two that agree are a majority and work; the odd one takes no part.
        cluster.initialise(3, 2)
        cluster.wait_until_answering(odd)
        self.assertFalse(cluster.ask(odd, "GET", "sys/seal-status")["initialized"])

    def test_a_wrong_pin_is_refused_and_both_are_logged(self):
        cluster = self.cluster()
        cluster.prepare()
        stranger = cluster.nodes[2]
        old = stranger.pin
        (stranger.data / "node-key.pem").unlink()
        new = cluster.identity(stranger)["pin"]
        # The stranger's own settings name its new key, so that it starts.
        for node in cluster.nodes[:2]:
            node.daemon.start()
        stranger.config.write_text(stranger.config.read_text().replace(old, new))
        stranger.daemon.start()

        def refused():
            said = "".join(node.daemon.log.read_text() for node in cluster.nodes)
            return old in said and new in said
        wait_until("both pins are logged", refused)


if __name__ == "__main__":
    import unittest
    unittest.main()
