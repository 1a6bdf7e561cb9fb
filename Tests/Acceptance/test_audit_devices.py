"""Audit devices of running nodes: files, syslog collectors, and a device that takes nothing."""

import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import threading
import unittest

from pages import run_page
from support import ONE, ClusterTest, wait_until


class Collector:
    """A syslog collector over TCP or TLS: takes counted messages, as RFC 6587 and RFC 5425 have it.

    One that is deaf takes connections and reads nothing from them before `hear`."""

    def __init__(self, certificate=None, is_deaf=False):
        self.messages, self.socket = [], socket.create_server(("127.0.0.1", 0))
        self.hearing = threading.Event()
        if is_deaf:
            # Connections have it from here: the system keeps next to nothing for the reader.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        else:
            self.hearing.set()
        self.port = self.socket.getsockname()[1]
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.links = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                link, _ = self.socket.accept()
                if self.context:
                    link = self.context.wrap_socket(link, server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            self.links.append(link)
            threading.Thread(target=self.read, args=(link,), daemon=True).start()

    def hear(self):
        self.hearing.set()

    def read(self, link):
        self.hearing.wait()
        try:
            with link.makefile("rb") as stream:
                while True:
                    count = b""
                    while (byte := stream.read(1)) not in (b" ", b""):
                        count += byte
                    if not byte:
                        return
                    message = stream.read(int(count))
                    if len(message) < int(count):
                        return
                    self.messages.append(message.decode())
        except OSError:
            return

    def break_links(self):
        for link in self.links:
            # Closing alone would leave it open for the thread that reads from it.
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            link.close()
        self.links = []

    def close(self):
        self.hearing.set()
        # Closing alone would leave the thread that waits for the next connection waiting.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.break_links()


class AuditDevices(ClusterTest):
    def open(self, members=ONE):
        self.world = self.open_cluster(members, shares=1, threshold=1, tls=False)
        self.node = self.world.nodes[0]
        return self.world

    def enable(self, path, kind, **options):
        self.world.ask(self.node, "PUT", f"sys/audit/{path}", {"type": kind, "options": options})

    def call(self, method, path, body=None):
        return self.world.call(self.node, method, path, body, self.world.root_token)

    def lines(self, path):
        return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]

    def paths(self, lines):
        return [line["request"]["path"] for line in lines]

    def test_examples(self):
        run_page(self, self.open(), "AuditDevices", scripts_min=2)

    def test_every_node_writes_what_it_is_asked(self):
        world = self.open_cluster(shares=1, threshold=1, tls=False)
        self.world, self.node = world, world.nodes[0]
        # One machine, so one file for all three: lines are added whole.
        log = f"{self.folder.name}/audit.log"
        self.enable("file", "file", file_path=log)
        for node in world.nodes:
            wait_until("every node has the device", lambda node=node: any(
                gauge["Name"] == "holdfast_audit_devices" and gauge["Value"] == 1
                for gauge in world.ask(node, "GET", "sys/metrics")["Gauges"]))
            world.ask(node, "POST", f"secret/data/{node.name}", {"data": {"password": "hunter2"}})
            world.ask(node, "GET", f"secret/data/{node.name}")
        lines = self.lines(log)
        text = pathlib.Path(log).read_text()
        self.assertNotIn("hunter2", text)
        self.assertNotIn(world.root_token, text)
        answer = world.ask(self.node, "POST", "sys/audit-hash/file", {"input": "hunter2"})
        self.assertIn(answer["hash"], text)
        self.assertEqual(answer["hash"], answer["data"]["hash"])
        for node in world.nodes:
            mine = [line for line in lines if line["request"]["path"].endswith(node.name)]
            reads = [line for line in mine if line["request"]["operation"] == "read"]
            self.assertEqual([line["type"] for line in reads], ["request", "response"])
            writes = [line["type"] for line in mine if line["request"]["operation"] != "read"]
            self.assertGreaterEqual(writes.count("request"), 1)
            self.assertGreaterEqual(writes.count("response"), 1)
        # After a restart the device is there again once the node is unsealed.
        world.kill(self.node)
        world.restart(self.node)
        world.unseal(self.node)
        world.ask(self.node, "GET", "secret/data/eu-1")
        self.assertGreater(len(self.lines(log)), len(lines))

    def test_headers_are_in_the_lines_of_the_node_that_got_them(self):
        world = self.open_cluster(shares=1, threshold=1, tls=False)
        self.world = world
        self.node = world.wait_for_leader()
        other = next(node for node in world.nodes if node is not self.node)
        log = f"{self.folder.name}/audit.log"
        self.enable("file", "file", file_path=log)
        path = "sys/config/auditing/request-headers"
        self.assertEqual(self.call("PUT", f"{path}/Authorization", {"hmac": False}).status, 400)
        for name, is_hashed in (("X-Team", False), ("X-Ticket", True), ("X-Vault-Token", True)):
            world.ask(self.node, "PUT", f"{path}/{name}", {"hmac": is_hashed})
        # A write on a standby, which waits until the standby has seen the settings as well.
        headers = [("x-TEAM", "payments"), ("X-Team", "second"), ("X-Ticket", "OPS-77")]
        world.ask(other, "POST", "secret/data/before", {"data": {"x": "1"}})
        self.assertEqual(self.send(other, "POST", "/v1/secret/data/h", headers), 200)
        self.assertEqual(self.send(self.node, "GET", "/v1/nope/x", headers), 404)
        self.assertEqual(self.send(self.node, "GET", "/v1/secret/data/h"), 200)
        digest = world.ask(self.node, "POST", "sys/audit-hash/file", {"input": "OPS-77"})["hash"]
        token = world.ask(self.node, "POST", "sys/audit-hash/file",
                          {"input": world.root_token})["hash"]
        full = {"x-team": ["payments", "second"], "x-ticket": [digest], "x-vault-token": [token]}
        found = {}
        for line in self.lines(log):
            key = line["request"]["path"], line["request"]["operation"], line["type"]
            found.setdefault(key, []).append(line["request"].get("headers"))
        for key in (("nope/x", "read", "request"), ("nope/x", "read", "response")):
            self.assertEqual(found[key], [full])
        # Besides the lines of the standby there are those of the leader, which does not know them.
        writes = [each for key, some in found.items() if key[0] == "secret/data/h"
                  and key[1] != "read" for each in some]
        self.assertEqual([each for each in writes if each], [full] * 2)
        self.assertIn(None, writes)
        for kind in ("request", "response"):
            self.assertEqual(found["secret/data/h", "read", kind], [{"x-vault-token": [token]}])
        self.assertNotIn("OPS-77", pathlib.Path(log).read_text())

    def send(self, node, method, path, headers=()):
        """Headers may repeat, which urllib has no way to say."""
        link = http.client.HTTPConnection(*node.api_listen.split(":"), timeout=30)
        try:
            link.putrequest(method, path)
            body = b'{"data":{"x":"1"}}' if method == "POST" else b""
            for name, value in [("X-Vault-Token", self.world.root_token), *headers]:
                link.putheader(name, value)
            link.putheader("Content-Length", str(len(body)))
            link.endheaders(body)
            with link.getresponse() as answer:
                answer.read()
                return answer.status
        finally:
            link.close()

    def test_one_of_two_may_fail_and_the_last_may_not(self):
        self.open()
        good, bad = f"{self.folder.name}/good.log", f"{self.folder.name}/bad/log"
        self.enable("good", "file", file_path=good)
        self.enable("bad", "file", file_path=bad)
        self.world.ask(self.node, "POST", "secret/data/a", {"data": {"x": "1"}})
        # Where the file was there is a folder now.
        os.remove(bad)
        os.mkdir(bad)
        self.world.ask(self.node, "GET", "secret/data/a")
        self.assertIn("the audit device bad/ takes no record", self.node.daemon.last_lines(50))
        self.assertEqual(self.paths(self.lines(good))[-1], "secret/data/a")
        self.world.ask(self.node, "DELETE", "sys/audit/good")
        for method, body in (("GET", None), ("POST", {"data": {"x": "2"}})):
            answer = self.call(method, "secret/data/a", body)
            self.assertEqual(answer.status, 503, answer.errors())
            self.assertIn("audit", answer.errors())
        # What takes nothing can still be looked at and taken away, and then all goes on.
        self.world.ask(self.node, "DELETE", "sys/audit/bad")
        found = self.world.ask(self.node, "GET", "secret/data/a")
        self.assertEqual(found["data"]["data"], {"x": "1"}, "the refused write was not made")

    def test_a_device_that_cannot_be_used_is_not_made(self):
        self.open()
        pipe = f"{self.folder.name}/unread"
        os.mkfifo(pipe)
        for kind, options, why in (
            ("file", {"file_path": "/proc/nope"}, "open failed"),
            ("file", {"file_path": pipe}, "nobody reads the pipe"),
            ("syslog", {"address": "127.0.0.1:1", "protocol": "tcp"}, "cannot connect"),
        ):
            answer = self.call("PUT", "sys/audit/x", {"type": kind, "options": options})
            self.assertEqual(answer.status, 400, answer.errors())
            self.assertIn("audit backend failed test message", answer.errors())
            self.assertIn(why, answer.errors())
        self.assertEqual(self.world.ask(self.node, "GET", "sys/audit")["data"], {})

    def test_a_device_that_blocks_blocks(self):
        self.open()
        pipe = f"{self.folder.name}/pipe"
        os.mkfifo(pipe)
        # Both ends are held, so opening it does not wait. A pipe takes 64 KiB, and then nothing.
        held = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, held)
        self.enable("pipe", "file", file_path=pipe, mode="0000")
        answers = []
        clients = [threading.Thread(
            target=lambda: answers.append(self.world.call(
                self.node, "GET", "secret/data/none", token=self.world.root_token,
                timeout=120).status), daemon=True) for _ in range(100)]
        for client in clients:
            client.start()
        # Each answer is two lines of about 700 bytes, so far fewer than 100 fit.
        seen = []

        def stands_still():
            seen.append(len(answers))
            return len(seen) > 20 and seen[-1] == seen[-20]

        wait_until("no answer leaves any more", stands_still, 60)
        self.assertLess(len(answers), 100, "a pipe that nobody reads took 100 answers")
        content = b""

        def read():
            nonlocal content
            try:
                content += os.read(held, 1 << 16)
            except BlockingIOError:
                pass
            return len(answers) == 100

        wait_until("all are answered once somebody reads", read, 60)
        read()
        self.assertEqual(set(answers), {404})
        lines = [json.loads(line) for line in content.splitlines()]
        found = [line["type"] for line in lines if line["request"]["path"] == "secret/data/none"]
        self.assertEqual(sorted(found), ["request"] * 100 + ["response"] * 100)

    def test_a_collector_that_reads_nothing(self):
        self.open()
        collector = Collector(is_deaf=True)
        self.addCleanup(collector.close)
        self.enable("far", "syslog", address=f"127.0.0.1:{collector.port}", protocol="tcp",
                    write_timeout="1s", facility="authpriv", tag="vault")
        alone = [f"secret/data/alone-{number}" for number in range(9)]
        for path in alone:
            self.assertEqual(self.call("GET", path).status, 404)
        # One connection tried the device, and one is its own.
        wait_until("both are accepted", lambda: len(collector.links) == 2, 20)
        # Its record is more than the system takes for a connection, since names are not replaced by
        # digests. It is too large for a secret as well, which only an answer that is recorded may
        # say.
        large = {"data": {f"{number:04}" + "n" * 8_000: "v" for number in range(400)}}
        self.assert_refused("POST", "secret/data/large", large)
        # For as long as it reads nothing all are refused, also what would fit into a new
        # connection, and what is asked at the same time.
        for number in range(3):
            self.assert_refused("GET", f"secret/data/refused-{number}")
        refused = []
        clients = [threading.Thread(
            target=lambda number=number: refused.append(self.call(
                "POST", f"secret/data/refused-{number}", {"data": {"k": "v"}}).status),
            daemon=True) for number in range(20)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(60)
        self.assertEqual(refused, [503] * 20)
        self.assert_refused("GET", "secret/data/refused-last")
        self.assertEqual((collector.messages, len(collector.links)), ([], 2))
        # A second device takes everything, so all goes on.
        log = f"{self.folder.name}/good.log"
        self.enable("good", "file", file_path=log)
        answered = []

        def send(number):
            path = f"secret/data/both-{number}"
            body = large if number % 10 == 0 else {"data": {"k": "v"}}
            answered.append((path, self.world.call(
                self.node, "POST", path, body, self.world.root_token, timeout=60)))

        clients = [threading.Thread(target=send, args=(number,), daemon=True)
                   for number in range(30)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(90)
        self.assertEqual(len(answered), 30)
        self.assertEqual(sorted(answer.status for _, answer in answered), [200] * 27 + [413] * 3)
        self.assertEqual((collector.messages, len(collector.links)), ([], 2))
        lines = [(line["request"]["path"], line["request"]["operation"], line["type"])
                 for line in self.lines(log)]
        for path, _ in answered:
            found = sorted(kind for each, verb, kind in lines if each == path and verb != "read")
            self.assertEqual(found, ["request", "response"], path)
        # It reads again, and has all that was answered while there was no other device, once and in
        # order, and then, whole, the record that was in the way.
        collector.hear()
        wait_until("what was in the way is there", lambda: any(
            path == "secret/data/large" for path, _ in self.seen(collector)), 30)
        seen = self.seen(collector)
        self.assertEqual([each for each in seen if each[0] in alone],
                         [(path, kind) for path in alone for kind in ("request", "response")])
        self.assertEqual(seen[-1], ("secret/data/large", "request"))
        # Requests go on over the same connection, and none that was refused was carried out.
        self.world.ask(self.node, "DELETE", "sys/audit/good")
        for number in range(20):
            path = f"secret/data/refused-{number}"
            self.assertEqual(self.call("GET", path).status, 404)
        wait_until("the last is there", lambda: (path, "response") in self.seen(collector), 20)
        self.assertEqual(len(collector.links), 2)
        self.check_messages(collector)

    def assert_refused(self, method, path, body=None):
        answer = self.call(method, path, body)
        self.assertEqual(answer.status, 503, answer.errors())
        self.assertIn("audit", answer.errors())

    def seen(self, collector):
        """Paths and types of all messages, which fails if one is not whole."""
        lines = [json.loads(text[text.index("{"):]) for text in list(collector.messages)]
        return [(line["request"]["path"], line["type"]) for line in lines]

    def certificate(self):
        if not shutil.which("openssl"):
            self.skipTest("openssl is missing")
        certificate, key = f"{self.folder.name}/cert.pem", f"{self.folder.name}/key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", key, "-out", certificate, "-days", "30", "-subj",
             "/CN=collector", "-addext", "subjectAltName=DNS:localhost,DNS:logs.example"],
            check=True, capture_output=True)
        return certificate, key

    def check_messages(self, collector):
        self.world.ask(self.node, "GET", "sys/mounts")
        # The node knows that the system has it; the collector's thread may not have read it yet.
        wait_until("it is there", lambda: any(
            '"path":"sys/mounts"' in text for text in collector.messages), 20)
        message = next(text for text in collector.messages if '"path":"sys/mounts"' in text)
        head = r"<86>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.?\d{0,6}Z eu-1 vault \d+ audit - (\{.*\})$"
        line = json.loads(re.match(head, message).group(1))
        self.assertEqual(line["request"]["operation"], "read")
        # The connection breaks: the next record goes over a new one.
        collector.break_links()
        self.world.ask(self.node, "GET", "sys/auth")
        wait_until("it is there", lambda: any(
            '"path":"sys/auth"' in text for text in collector.messages), 20)

    def test_syslog_over_tcp(self):
        self.open()
        collector = Collector()
        self.enable("far", "syslog", address=f"127.0.0.1:{collector.port}", protocol="tcp",
                    facility="authpriv", tag="vault")
        self.check_messages(collector)
        collector.close()
        wait_until("without its only collector nothing is answered",
                   lambda: self.call("GET", "sys/mounts").status == 503, 20)
        self.world.ask(self.node, "DELETE", "sys/audit/far")
        self.world.ask(self.node, "GET", "sys/mounts")

    def test_syslog_over_tls(self):
        self.open()
        certificate = self.certificate()
        collector = Collector(certificate)
        self.addCleanup(collector.close)
        place = {"address": f"localhost:{collector.port}", "facility": "authpriv", "tag": "vault"}
        trusted = pathlib.Path(certificate[0]).read_text()
        for wrong in ({}, {"tls_ca_cert": trusted, "tls_server_name": "else.example"}):
            body = {"type": "syslog", "options": {**place, **wrong}}
            self.assertEqual(self.call("PUT", "sys/audit/far", body).status, 400)
        self.enable("far", "syslog", tls_ca_cert=trusted, **place)
        self.check_messages(collector)


if __name__ == "__main__":
    unittest.main()
