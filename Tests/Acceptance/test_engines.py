"""Secrets engines on three nodes: what must happen once happens once, also when the leader dies."""

import base64
import concurrent.futures
import struct
import zlib

from support import ONE, ClusterError, ClusterTest, wait_until


class Engines(ClusterTest):
    def everywhere(self, cluster, method, path, body, copies=4):
        """The same request at once to every node, several times; the answers."""
        def send(node):
            return cluster.call(node, method, path, body, cluster.root_token, timeout=30)

        nodes = [node for node in cluster.nodes if node.is_alive()] * copies
        with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
            return list(pool.map(send, nodes))

    def on_some_node(self, cluster, method, path, body=None):
        """The answer of whichever living node has one; waits while there is no leader."""
        def answered():
            for node in cluster.nodes:
                if node.is_alive():
                    answer = cluster.call(node, method, path, body, cluster.root_token)
                    if answer.status < 500:
                        return answer
            raise ClusterError("no node answers")

        return wait_until(f"{method} {path} is answered", answered, seconds=60)

    def test_a_code_counts_once_on_all_nodes_and_after_the_leader(self):
        cluster = self.open_cluster()
        cluster.ask("eu-1", "POST", "sys/mounts/totp", {"type": "totp"})
        # A period that no test outlasts, so that the code stays the same.
        cluster.ask("eu-1", "POST", "totp/keys/ada", {
            "generate": True, "issuer": "I", "account_name": "ada", "period": "8760h",
            "qr_size": 0})
        code = cluster.ask("eu-1", "GET", "totp/code/ada")["data"]["code"]
        answers = self.everywhere(cluster, "POST", "totp/code/ada", {"code": code})
        valid = [answer for answer in answers if answer.status == 200 and
                 answer.json["data"]["valid"]]
        self.assertEqual(len(valid), 1, [(answer.status, answer.json) for answer in answers])
        for answer in answers:
            if answer is not valid[0]:
                self.assertEqual(answer.status, 400, answer.json)
                self.assertIn("code already used", answer.errors())
        cluster.kill(cluster.leader())
        again = self.on_some_node(cluster, "POST", "totp/code/ada", {"code": code})
        self.assertEqual(again.status, 400, again.json)
        self.assertIn("code already used", again.errors())

    def test_a_picture_is_a_png_file(self):
        cluster = self.open_cluster(ONE, shares=1, threshold=1)
        cluster.ask("eu-1", "POST", "sys/mounts/totp", {"type": "totp"})
        for size in (200, 1100):
            made = cluster.ask("eu-1", "POST", "totp/keys/ada", {
                "generate": True, "issuer": "I", "account_name": "ada", "qr_size": size})
            image = base64.b64decode(made["data"]["barcode"])
            self.assertEqual(image[:8], b"\x89PNG\r\n\x1a\n")
            position, chunks = 8, {}
            while position < len(image):
                length, name = struct.unpack(">I4s", image[position:position + 8])
                content = image[position + 8:position + 8 + length]
                (checksum,) = struct.unpack(">I", image[position + 8 + length:][:4])
                self.assertEqual(checksum, zlib.crc32(name + content))
                chunks[name] = content
                position += length + 12
            self.assertEqual(list(chunks), [b"IHDR", b"IDAT", b"IEND"])
            self.assertEqual(struct.unpack(">IIBBBBB", chunks[b"IHDR"]),
                             (size, size, 1, 0, 0, 0, 0))
            self.assertEqual(len(zlib.decompress(chunks[b"IDAT"])), size * (1 + (size + 7) // 8))

    def test_a_mount_comes_back_after_the_leader(self):
        cluster = self.open_cluster()
        cluster.ask("eu-1", "POST", "secret/data/a/b", {"data": {"x": 1}})
        moved = cluster.ask("eu-1", "POST", "sys/remount", {"from": "secret", "to": "kept"})
        cluster.kill(cluster.leader())
        status = self.on_some_node(
            cluster, "GET", f"sys/remount/status/{moved['data']['migration_id']}")
        self.assertEqual(status.json["data"]["migration_info"]["status"], "success")
        self.assertEqual(self.on_some_node(cluster, "DELETE", "sys/mounts/kept").status, 204)
        self.assertEqual(self.on_some_node(cluster, "GET", "kept/data/a/b").status, 404)
        retired = self.on_some_node(cluster, "GET", "sys/retired-mounts?list=true").json["data"]
        (id,) = retired["keys"]
        self.assertEqual(retired["key_info"][id]["path"], "kept/")
        restored = self.on_some_node(
            cluster, "POST", f"sys/retired-mounts/{id}/restore", {"path": "again"})
        self.assertEqual(restored.status, 204)
        answer = self.on_some_node(cluster, "GET", "again/data/a/b")
        self.assertEqual(answer.json["data"]["data"], {"x": 1})

    def test_a_cubbyhole_is_the_same_on_every_node(self):
        cluster = self.open_cluster()
        cluster.ask("eu-1", "POST", "cubbyhole/k", {"n": 1})
        for node in cluster.nodes:
            self.assertEqual(cluster.ask(node, "GET", "cubbyhole/k")["data"], {"n": 1})
            self.assertEqual(cluster.call(node, "GET", "cubbyhole/k").status, 403)
