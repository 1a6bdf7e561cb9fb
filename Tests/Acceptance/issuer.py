"""An issuer of JSON web tokens on loopback, over HTTPS, as slow and as broken as a test wants it.

Keys are made and used by openssl, so that another implementation signs what Holdfast checks.
"""

import base64
import contextlib
import http.server
import json
import pathlib
import re
import ssl
import subprocess
import threading
import time


def part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*words, data=None):
    return subprocess.run(["openssl", *map(str, words)], input=data, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


class Issuer:
    """`published` are the ids of the keys that it shows; `hits` counts requests by path."""

    def __init__(self, folder, name="issuer"):
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir(parents=True)
        self.published = []
        self.members = {}
        self.hits = {}
        self.delay = 0
        self.claimed = None
        self.server = None
        self.port = 0
        self._certificates()

    def _certificates(self):
        at = self.folder
        (at / "extensions").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        for name in ("ca", "server"):
            openssl("genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-out", at / f"{name}.key")
        openssl("req", "-x509", "-new", "-key", at / "ca.key", "-subj", "/CN=issuer-ca",
                "-days", "30", "-out", at / "ca.pem")
        request = openssl("req", "-new", "-key", at / "server.key", "-subj", "/CN=issuer")
        openssl("x509", "-req", "-CA", at / "ca.pem", "-CAkey", at / "ca.key", "-days", "30",
                "-CAcreateserial", "-extfile", at / "extensions", "-out", at / "server.pem",
                data=request)
        self.ca_pem = (at / "ca.pem").read_text()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    @property
    def keys_url(self):
        return f"{self.url}/keys"

    # Keys and tokens

    def add_key(self, kid, publish=True):
        """A key of RSA; its id is in the set, unless it is empty."""
        key = self.folder / f"signing-{kid or 'none'}.key"
        openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                "-out", key)
        modulus = openssl("rsa", "-in", key, "-noout", "-modulus").decode()
        number = bytes.fromhex(re.search("Modulus=([0-9A-F]+)", modulus)[1])
        self.members[kid] = {"kty": "RSA", "use": "sig", "alg": "RS256", "n": part(number),
                             "e": "AQAB"} | ({"kid": kid} if kid else {})
        if publish:
            self.published = [*self.published, kid]

    def token(self, kid, claims=None, signer=None):
        """A token whose header names `kid`, signed with that key or another."""
        now = int(time.time())
        header = {"alg": "RS256"} | ({"kid": kid} if kid else {})
        claims = {"iss": "ci", "aud": "vault", "sub": "build-7", "iat": now,
                  "exp": now + 3_600} | (claims or {})
        message = ".".join(part(json.dumps(each).encode()) for each in (header, claims))
        key = self.folder / f"signing-{(signer or kid) or 'none'}.key"
        return f"{message}.{part(openssl('dgst', '-sha256', '-sign', key, data=message.encode()))}"

    # The server

    def answer(self, path):
        """(status, body) for a path."""
        if path == "/keys":
            return 200, {"keys": [self.members[kid] for kid in self.published]}
        if path == "/.well-known/openid-configuration":
            return 200, {"issuer": self.claimed or self.url, "jwks_uri": self.keys_url}
        if path == "/long":
            return 200, {"keys": [], "padding": "x" * (1 << 20)}
        if path == "/html":
            return 200, "<html>"
        return 404, {}

    def start(self):
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                issuer.hits[self.path] = issuer.hits.get(self.path, 0) + 1
                time.sleep(issuer.delay)
                status, value = issuer.answer(self.path.partition("?")[0])
                body = (value if isinstance(value, str) else json.dumps(value)).encode()
                # A client that has lost its patience is gone by now.
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        # The handshake is the handler's, so that a slow one holds up nobody.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
