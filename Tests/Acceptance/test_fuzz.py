"""Malformed requests and frames against a live node: 4xx or a closed connection, no crash,
no hang, memory flat."""

import json
import os
import socket
import ssl
import struct
import threading
import time

from support import ClusterTest

REQUESTS = int(os.environ.get("HOLDFAST_FUZZ_REQUESTS", 8_000))
CLIENTS = 6
CONNECTIONS = 1_000
PEER_FRAMES = 1_500

PATHS = [
    "/v1/secret/data/a", "/v1/sys/mounts", "/v1/sys/init", "/v1/sys/unseal", "/v1/sys/health",
    "/v1/secret/metadata/?list=true", "/v1/auth/token/lookup-self", "/v1/", "/", "/v1",
    "/v1/../etc/passwd", "/v1/secret/data/..%2f..%2fx", "/v1/secret/%2e%2e/data/a",
    "/v1/secret//data///a", "/v1/secret/data/a%00b", "/v1/secret/data/%ff%fe", "/v1/%zz",
    "/v1/secret/data/" + "n" * 5000, "/v1/secret/data/" + "a/" * 2000, "*", "http://x/v1/a",
    "/v1/secret/data/a?version=99999999999999999999", "/v1/secret/data/a?version=-1&version=x",
    "/v1/secret/metadata?list=perhaps", "/v1/sys/mounts/secret/tune", "/v1/sys/\x7f",
]
METHODS = ["GET", "PUT", "POST", "DELETE", "LIST", "PATCH", "HEAD", "OPTIONS", "SCAN", "HELP",
           "get", "", "BREW", "G\0T", "CONNECT"]
BODIES = [
    b"", b"{", b"[]", b"null", b"{}", b"[" * 100_000, b'{"a":' * 2000, b'"x"', b"\xff\xfe",
    b'{"data":{"a":1e999999}}', b'{"data":{"a":"\\ud800"}}', b'{"data":null}',
    b'{"data":{"a":1},"options":{"cas":"x"}}', b'{"data":[1,2]}', b'{"data":"text"}',
    b'{"key":"zz"}', b'{"key":7}', b'{"secret_shares":-1,"secret_threshold":99999999999999}',
    b'{"secret_shares":"a"}', b'{"data":{"a":1}} trailing', b'{"data":{"a":01}}',
    json.dumps({"data": {str(n): n for n in range(1500)}}).encode(),
    json.dumps({"data": {"v": "x" * 2_000_000}}).encode(),
    b'{"type":"nope"}', b'{"versions":[1,"2",-3,null]}', b'{"versions":"all"}',
]


class Fuzz(ClusterTest):
    def connect(self, node):
        context = ssl.create_default_context(cafile=self.live.ca_file())
        raw = socket.create_connection(("127.0.0.1", int(node.api_listen.split(":")[1])), 10)
        return context.wrap_socket(raw, server_hostname="127.0.0.1")

    def request(self):
        pick = self.random.choice
        method, path, body = pick(METHODS), pick(PATHS), pick(BODIES)
        headers = [("Host", "x"), ("Content-Length", str(len(body)))]
        if self.random.random() < 0.7:
            headers.append(("X-Vault-Token", self.live.root_token))
        odd = [("Content-Length", "-5"), ("Content-Length", "99999999999999999999"),
               ("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "gzip, chunked"),
               ("X-Vault-Token", "\x01\x02"), ("X-Vault-Namespace", "../.."),
               ("X-Vault-Wrap-TTL", "99999999h"), ("Expect", "a miracle"), ("", "empty"),
               ("Authorization", "Bearer " + "x" * 9000), ("X" * 70_000, "y"),
               ("Content-Type", "application/json\r\nInjected: yes"), ("Host", "a\0b")]
        while self.random.random() < 0.4:
            headers.append(pick(odd))
        text = f"{method} {path} HTTP/{pick(['1.1', '1.1', '1.1', '1.0', '2', '9.9', ''])}\r\n"
        text += "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
        data = bytearray(text.encode("latin-1", "replace") + body)
        for _ in range(pick([0, 0, 1, 3, 20])):
            position = self.random.randrange(min(len(data), 400))
            data[position] = self.random.randrange(256)
        if self.random.random() < 0.1:
            data = data[: self.random.randrange(len(data))]
        return bytes(data)

    def exchange(self, link, data):
        """Sends, reads what comes for a moment; returns the bytes and whether it is still open."""
        try:
            link.settimeout(5)
            link.sendall(data)
            link.settimeout(0.02)
            answer = link.recv(65536)
            return answer, bool(answer)
        except TimeoutError:
            return b"", False
        except OSError:
            return b"", False

    def good(self, node):
        answer = self.live.ask(node, "GET", "secret/data/good")
        self.assertEqual(answer["data"]["data"], {"is": "here"})

    def test_clients_port(self):
        self.live = self.open_cluster(log_level="error")
        node = self.live.wait_for_leader()
        self.live.ask(node, "POST", "secret/data/good", {"data": {"is": "here"}})
        statuses, memory, failures = {}, [], []

        def hammer():
            link = None
            for _ in range(REQUESTS // CLIENTS):
                link = link or self.connect(node)
                answer, is_open = self.exchange(link, self.request())
                if answer.startswith(b"HTTP/1.1 "):
                    status = int(answer[9:12])
                    statuses[status] = statuses.get(status, 0) + 1
                    if status in (500, 502):
                        failures.append(answer[:300])
                if not is_open:
                    link.close()
                    link = None

        clients = [threading.Thread(target=hammer, daemon=True) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        while any(client.is_alive() for client in clients):
            time.sleep(2)
            self.good(node)
            memory.append(round(self.live.memory()[node.name]["rss_mib"]))
        self.assertEqual(failures, [])
        self.assertTrue(node.is_alive())
        self.good(node)
        print(f"\n{REQUESTS} requests: {dict(sorted(statuses.items()))}, resident MiB {memory}")
        self.assertLess(memory[-1], memory[0] * 1.5 + 64, "memory grows")

    def test_raw_bytes_and_half_open_connections(self):
        self.live = self.open_cluster(log_level="error")
        node = self.live.wait_for_leader()
        self.live.ask(node, "POST", "secret/data/good", {"data": {"is": "here"}})
        held = []
        for number in range(CONNECTIONS):
            address = node.api_listen if number % 2 else node.peer_listen
            raw = socket.create_connection(("127.0.0.1", int(address.split(":")[1])), 10)
            kind = number % 5
            try:
                if kind == 0:
                    raw.sendall(self.random.randbytes(self.random.randrange(1, 4096)))
                elif kind == 1:
                    # A TLS record header that promises more than comes.
                    raw.sendall(b"\x16\x03\x01" + struct.pack(">H", 512) + self.random.randbytes(9))
                elif kind == 2:
                    raw.sendall(b"GET / HTTP/1.1\r\n")
                elif kind == 3:
                    raw.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            if kind == 4 and len(held) < 200:
                held.append(raw)  # Says nothing, stays.
            else:
                raw.close()
        self.assertTrue(all(each.is_alive() for each in self.live.nodes))
        self.good(node)
        for raw in held:
            raw.close()

    def test_peer_port_behind_tls(self):
        """Frames on a TLS session without and with a certificate that no member has."""
        self.live = self.open_cluster(log_level="error")
        node = self.live.wait_for_leader()
        self.live.ask(node, "POST", "secret/data/good", {"data": {"is": "here"}})
        port = int(node.peer_listen.split(":")[1])
        for number in range(PEER_FRAMES):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if number % 2:
                data = node.data
                context.load_cert_chain(data / "api-certificate.pem", data / "api-key.pem")
            try:
                with socket.create_connection(("127.0.0.1", port), 10) as raw, \
                        context.wrap_socket(raw) as link:
                    body = self.random.randbytes(self.random.randrange(0, 300))
                    link.sendall(struct.pack(">IBB", len(body), 1, number % 8) + body)
                    link.settimeout(0.01)
                    link.recv(100)
            except (OSError, ssl.SSLError):
                pass
        self.assertTrue(all(each.is_alive() for each in self.live.nodes))
        self.good(node)

    def test_oversized_body(self):
        self.live = self.open_cluster(log_level="error")
        node = self.live.wait_for_leader()
        link = self.connect(node)
        size = 33 << 20
        head = (f"PUT /v1/secret/data/big HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n"
                f"X-Vault-Token: {self.live.root_token}\r\n\r\n").encode()
        answer = b""
        try:
            link.sendall(head)
            link.settimeout(10)
            answer = link.recv(4096)
        except OSError:
            pass
        self.assertIn(b" 413 ", answer.split(b"\r\n")[0])
        begin = time.monotonic()
        answer = self.live.call(node, "PUT", "secret/data/big",
                                {"data": {"v": "x" * (3 << 20)}}, self.live.root_token)
        self.assertIn(answer.status, (400, 413))
        self.assertLess(time.monotonic() - begin, 10)
