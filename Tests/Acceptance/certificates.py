"""Certificates for clients, made with the openssl command: authorities, clients, lists of revoked ones.

Serial numbers and names are fixed, keys are fresh, and everything is good for some days."""

import pathlib
import subprocess

AUTHORITY = "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign,digitalSignature\n"
CLIENT = "basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n"
# Trusted for itself: without a key usage, which would want one for signing certificates.
SERVER = ("basicConstraints=critical,CA:false\nextendedKeyUsage=serverAuth\n"
          "subjectAltName=IP:127.0.0.1\n")
FOR_CLIENTS = "extendedKeyUsage=clientAuth\n"
IDENTIFIERS = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
NAMES = "subjectAltName=DNS:web.example,email:web@mail.example,URI:spiffe://example/web\n"
EXTENSIONS = "1.2.3.4=ASN1:UTF8String:gold\n1.2.3.5=ASN1:INTEGER:7\n"


class Certificates:
    """A folder of certificates: `NAME.pem`, `NAME.key`, and `NAME.both` for who logs in with it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], cwd=self.folder, check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def path(self, name, kind="pem"):
        return self.folder / f"{name}.{kind}"

    def text(self, name):
        return self.path(name).read_text()

    def make(self, name, subject, serial, extensions, issuer=None, days=30, key="ec"):
        """One certificate; without an issuer it signs itself."""
        options = ["-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else []
        self.openssl("genpkey", "-algorithm", key, *options, "-out", f"{name}.key")
        self.path(name, "ext").write_text(extensions)
        self.openssl("req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", f"{name}.csr")
        signer = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"] if issuer else [
            "-key", f"{name}.key"]
        self.openssl("x509", "-req", "-in", f"{name}.csr", *signer, "-set_serial", serial, "-days",
                     days, "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        self.bundle(name)

    def bundle(self, name, *above):
        """Certificate, those above it, and key in one file, as Python wants them."""
        parts = [self.text(each) for each in (name, *above)]
        self.path(name, "both").write_text("".join(parts) + self.path(name, "key").read_text())
        self.path(name, "chain").write_text("".join(parts))

    def revoke(self, issuer, name, *serials):
        """A list of revoked certificates, signed by an authority."""
        index = "".join(f"R\t391231235959Z\t260101000000Z\t{serial:06X}\tunknown\t/CN=x\n"
                        for serial in serials)
        self.path(name, "index").write_text(index)
        self.path(name, "cnf").write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={name}.index\ndefault_md=sha256\n"
            "default_crl_days=30\n")
        self.openssl("ca", "-config", f"{name}.cnf", "-gencrl", "-cert", f"{issuer}.pem",
                     "-keyfile", f"{issuer}.key", "-out", f"{name}.pem")

    def make_all(self):
        """Two authorities and whom they, and others, vouch for."""
        client = CLIENT + FOR_CLIENTS + IDENTIFIERS
        self.make("ca", "/O=Example/CN=root one", 1, AUTHORITY + IDENTIFIERS)
        self.make("other", "/O=Example/CN=root two", 1, AUTHORITY + IDENTIFIERS)
        self.make("middle", "/O=Example/CN=middle", 2, AUTHORITY + IDENTIFIERS, "ca")
        self.make("web", "/O=Example/OU=eng/OU=ops/CN=web.example", 4660,
                  client + NAMES + EXTENSIONS, "ca")
        self.make("web2", "/O=Example/OU=eng/CN=web.example", 4661, client + NAMES, "ca")
        self.make("deep", "/O=Example/CN=deep", 77, client, "middle")
        self.bundle("deep", "middle")
        self.make("lone", "/CN=lone", 5, client)
        self.make("stranger", "/CN=stranger", 6, client, "other")
        self.make("forserver", "/CN=forserver", 7,
                  CLIENT + "extendedKeyUsage=serverAuth\n" + IDENTIFIERS, "ca")
        self.make("nameless", "/O=Example", 8, client, "ca")
        self.make("child", "/CN=child", 9, client, "web")
        self.bundle("child", "web")
        self.make("rsa", "/CN=rsa", 1 << 130, client, "ca", key="rsa")
        self.make("server", "/CN=server", 10, SERVER)
        self.revoke("ca", "crl", 4660, 300)
        self.revoke("ca", "empty")
        return self
