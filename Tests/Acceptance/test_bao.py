"""Every command of the `bao` CLI that clients use, as they type it, through a follower.

Those for members of the cluster, audit devices and namespaces have tests of their own (test_members.py,
test_audit_devices.py, test_namespaces.py); `operator init` and the first `operator unseal` are in
test_clients.py."""

import json
import tarfile
import unittest

from support import ClusterTest, wait_until
from test_clients import Bao

POLICY = 'path "secret/*" { capabilities = ["create", "read", "update", "list"] }\n'
# Of parts that are not built. Each is refused in words, and moves up when its part is there.
NOT_BUILT = [
    "operator key-status", "operator rotate", "operator rekey -init -key-shares=1 -key-threshold=1",
    "operator rekey -nonce=n share", "operator rekey -status", "operator rekey -cancel",
    "operator rekey -verify -nonce=n share", "operator rekey -verify -status",
    "operator rekey -verify -cancel", "operator rekey -backup-retrieve",
    "operator rekey -backup-delete",
    "operator rekey -target=recovery -init -key-shares=1 -key-threshold=1",
    "operator rotate-keys -init -key-shares=1 -key-threshold=1",
    "operator rotate-keys -nonce=n share", "operator rotate-keys -status",
    "operator rotate-keys -cancel", "operator rotate-keys -verify -nonce=n share",
    "operator rotate-keys -verify -status", "operator rotate-keys -verify -cancel",
    "operator rotate-keys -backup-retrieve", "operator rotate-keys -backup-delete",
    "operator rotate-keys -target=recovery -init -key-shares=1 -key-threshold=1",
    "operator generate-root -init", "operator generate-root -nonce=n share",
    "operator generate-root -status", "operator generate-root -cancel",
    "operator generate-root -generate-otp", "operator generate-root -decode=AAAA -otp=BBBB",
    "operator raft snapshot save {folder}/save.tgz",
    "operator raft snapshot restore {folder}/restore.tgz",
    "operator raft snapshot restore -force {folder}/restore.tgz",
    "auth enable oidc", "login -no-store -method=oidc -path=jwt skip_browser=true port=0",
    "write identity/oidc/key/k rotation_period=1h", "write identity/mfa/method/totp issuer=x",
]
# What is otherwise on purpose, and a word of why.
OTHERWISE = {
    "operator raft autopilot set-config -cleanup-dead-servers=true": "settings file",
    "plugin register -sha256=d0d0 secret x": "unsupported operation",
    "plugin reload -plugin=kv": "unsupported path",
}


class BaoCommands(ClusterTest):
    def setUp(self):
        super().setUp()
        self.cluster_ = self.open_cluster()
        leader = self.cluster_.wait_for_leader()
        self.follower = next(node for node in self.cluster_.nodes if node is not leader)
        self.bao = Bao(self.cluster_, self.follower)

    def ok(self, line, *more):
        """Runs a command line of words without blanks, then `more`."""
        return self.bao.ok(*line.split(), *more)

    def read(self, line, *more):
        return json.loads(self.ok(line, *more))

    def refused(self, line, *more):
        done = self.bao.run(*line.split(), *more)
        self.assertEqual(done.returncode, 2, f"{line}: {done.stdout}{done.stderr}")
        return done.stderr

    def file(self, name, text):
        path = self.cluster_.folder / name
        path.write_text(text)
        return str(path)

    def test_kv(self):
        self.ok("kv put secret/a x=1 y=two")
        self.assertEqual(self.read("kv get -format=json secret/a")["data"]["data"],
                         {"x": "1", "y": "two"})
        self.assertEqual(self.ok("kv get -mount=secret -field=y a").strip(), "two")
        self.ok("kv put -mount=secret -cas=1 a x=2")
        self.assertIn("check-and-set", self.refused("kv put -cas=1 secret/a x=3"))
        self.ok("kv patch secret/a z=3")
        self.ok("kv patch -method=rw secret/a w=4")
        self.assertEqual(self.read("kv get -format=json secret/a")["data"]["data"],
                         {"w": "4", "x": "2", "z": "3"})
        self.ok("kv rollback -version=1 secret/a")
        self.assertEqual(self.ok("kv get -field=y secret/a").strip(), "two")
        self.ok("kv put secret/deep/er/b k=v")
        self.assertEqual(self.read("kv list -format=json secret/"), ["a", "deep/"])
        self.assertEqual(self.read("kv list -format=json -mount=secret deep"), ["er/"])
        self.assertEqual(sorted(self.read("kv scan -format=json secret/")), ["a", "deep/er/b"])
        self.ok("kv delete secret/a")
        self.ok("kv delete -versions=1 secret/a")
        self.assertIn("deletion_time", self.ok("kv get -version=1 secret/a"))
        self.ok("kv undelete -versions=1,2 secret/a")
        self.assertEqual(self.ok("kv get -version=1 -field=x secret/a").strip(), "1")
        self.ok("kv destroy -versions=1 secret/a")
        self.ok("kv metadata put -custom-metadata=owner=me -max-versions=9 secret/a")
        self.ok("kv metadata patch -custom-metadata=room=r1 -cas-required secret/a")
        facts = self.read("kv metadata get -format=json secret/a")["data"]
        self.assertEqual(facts["custom_metadata"], {"owner": "me", "room": "r1"})
        self.assertTrue(facts["cas_required"] and facts["versions"]["1"]["destroyed"])
        self.ok("kv metadata delete secret/a")
        self.refused("kv get secret/a")

    def test_secrets_and_auth(self):
        self.ok("secrets enable -path=one -description=first kv")
        self.ok("kv put one/x a=1")
        self.assertEqual(self.ok("kv get -field=a one/x").strip(), "1")
        self.ok("kv list one/")
        self.ok("kv enable-versioning one/")
        wait_until("the mount has versions",
                   lambda: self.bao.run("kv", "put", "one/x", "a=1").returncode == 0)
        self.assertEqual(self.read("kv get -format=json one/x")["data"]["data"], {"a": "1"})
        self.ok("secrets tune -default-lease-ttl=1h -description=tuned one/")
        self.assertIn("tuned", self.ok("secrets list -detailed"))
        self.ok("secrets move one/ other/")
        self.assertEqual(self.ok("kv get -field=a other/x").strip(), "1")
        self.ok("secrets disable other/")
        self.assertNotIn("other/", self.ok("secrets list"))
        self.ok("auth enable -path=people userpass")
        self.ok("auth tune -description=humans -default-lease-ttl=30m people/")
        self.assertEqual(self.read("auth list -format=json")["people/"]["description"], "humans")
        self.ok("write auth/people/users/ann password=hedgehog token_ttl=3600")
        login = self.ok("login -no-store -method=userpass -path=people -field=token",
                        "username=ann", "password=hedgehog").strip()
        shown = self.bao.run("login", "-no-store", "-format=json", login, token=False)
        self.assertEqual(json.loads(shown.stdout)["auth"]["client_token"], login)
        self.assertIn("invalid username or password", self.refused(
            "login -no-store -method=userpass -path=people", "username=ann", "password=no"))
        shown = self.bao.run("login", "-no-store", "-format=json", "-method=token",
                             f"token={login}", token=False)
        self.assertEqual(json.loads(shown.stdout)["auth"]["client_token"], login)
        # The token of the environment, which a command of its own may renew: it is not root's.
        renewed = json.loads(self.bao.ok("token", "renew", "-format=json", token=login))["auth"]
        self.assertEqual((renewed["client_token"], renewed["lease_duration"]), (login, 3600))
        renewed = self.bao.ok("token", "renew", "-format=json", "-increment=20m", token=login)
        self.assertEqual(json.loads(renewed)["auth"]["lease_duration"], 1200)
        self.ok("auth disable people/")
        self.assertNotIn("people/", self.ok("auth list"))

    def test_policies_tokens_and_leases(self):
        path = self.file("team.hcl", POLICY)
        self.ok("policy fmt", path)
        self.ok("policy write team", path)
        self.assertIn("secret/*", self.ok("policy read team"))
        self.assertEqual(sorted(self.ok("policy list").split()), ["default", "root", "team"])
        made = self.read("token create -format=json -policy=team -ttl=1h -metadata=a=b")["auth"]
        token, accessor = made["client_token"], made["accessor"]
        self.assertEqual(self.read("token lookup -format=json", token)["data"]["meta"],
                         {"a": "b"})
        self.ok("token lookup")
        self.ok("token lookup -accessor", accessor)
        self.ok("token renew -increment=30m", token)
        self.ok("token renew -accessor", accessor)
        self.refused("token renew")
        self.assertEqual(self.ok("token capabilities", token, "secret/x").strip(),
                         "create, list, read, update")
        self.assertEqual(self.ok("token capabilities secret/x").strip(), "root")
        lease, = self.read("list -format=json sys/leases/lookup/auth/token/create")
        lease = f"auth/token/create/{lease}"
        self.ok("lease lookup", lease)
        self.refused("lease renew", lease)
        self.ok("lease revoke", lease)
        wait_until("the token of the lease is gone", lambda: self.bao.run(
            "token", "lookup", token).returncode == 2)
        for line in ("token revoke -mode=orphan", "token revoke"):
            self.ok(line, self.ok("token create -policy=team -field=token").strip())
        self.ok("token revoke -accessor", self.read(
            "token create -format=json -policy=team")["auth"]["accessor"])
        own = self.ok("token create -policy=team -field=token").strip()
        self.bao.ok("token", "revoke", "-self", token=own)
        self.refused("token lookup", own)
        self.ok("write auth/token/roles/ci allowed_policies=team orphan=true")
        made = self.read("token create -format=json -role=ci -policy=team")["auth"]
        self.assertTrue(made["orphan"])
        self.ok("token create -policy=team -orphan -period=1h -display-name=x -use-limit=3")
        self.ok("token create -policy=team -type=batch -ttl=5m")
        self.ok("token revoke -mode=path auth/token/create")
        self.ok("lease revoke -prefix auth/token")
        self.ok("lease revoke -force -prefix auth/token")
        self.ok("policy delete team")
        self.refused("policy read team")

    def test_wrapping_and_plain_paths(self):
        self.ok("kv put secret/a k=v")
        wrapped = self.read("kv get -format=json -wrap-ttl=60 secret/a")["wrap_info"]["token"]
        self.assertEqual(self.read("unwrap -format=json", wrapped)["data"]["data"], {"k": "v"})
        self.refused("unwrap", wrapped)
        # The wrapping token as the client's own: then it is in no field.
        wrapped = self.read("kv get -format=json -wrap-ttl=60 secret/a")["wrap_info"]["token"]
        opened = json.loads(self.bao.ok("unwrap", "-format=json", token=wrapped))
        self.assertEqual(opened["data"]["data"], {"k": "v"})
        again = self.bao.run("unwrap", token=wrapped)
        self.assertEqual(again.returncode, 2)
        self.assertIn("wrapping token is not valid or does not exist", again.stderr)
        self.ok("write cubbyhole/x a=1 b=2")
        self.assertEqual(self.read("read -format=json cubbyhole/x")["data"], {"a": "1", "b": "2"})
        self.assertEqual(self.read("list -format=json cubbyhole"), ["x"])
        self.ok("delete cubbyhole/x")
        self.refused("read cubbyhole/x")
        self.ok("write -f sys/tools/random/16")
        self.ok("patch secret/metadata/a max_versions=5")
        self.assertEqual(self.read("read -format=json secret/metadata/a")["data"]["max_versions"],
                         5)

    def test_operator(self):
        self.assertIn("Sealed", self.ok("status"))
        self.ok("operator init -status")
        self.ok("operator members")
        self.ok("version-history")
        listed = [line.split()[0] for line in self.ok("plugin list secret").splitlines()[2:]]
        self.assertEqual(listed, ["kv", "totp"])
        self.assertIn("data/{path}", self.ok("path-help secret/"))
        def voters():
            servers = self.read("operator raft list-peers -format=json")["data"]["config"]
            return {server["node_id"] for server in servers["servers"] if server["voter"]}

        self.assertEqual(len(voters()), 3)
        leader = self.cluster_.wait_for_leader()
        other = next(node for node in self.cluster_.nodes if node is not leader)
        self.ok("operator raft demote", other.name)
        self.assertNotIn(other.name, voters())
        self.ok("operator raft promote", other.name)
        self.assertIn(other.name, voters())
        before = self.cluster_.wait_for_leader()
        self.ok("operator step-down")
        wait_until("another node leads", lambda: self.cluster_.leader() not in (None, before), 60)
        other = Bao(self.cluster_, before)
        other.ok("operator", "seal")
        self.assertEqual(other.run("status").returncode, 2)
        other.ok("operator", "unseal", "-reset")
        for key in self.cluster_.keys_base64[: self.cluster_.threshold]:
            other.ok("operator", "unseal", key)
        self.assertEqual(other.run("status").returncode, 0)

    def test_what_is_not_built_says_so(self):
        with tarfile.open(self.cluster_.folder / "restore.tgz", "w:gz") as archive:
            archive.add(__file__, "meta.json")
        for line in NOT_BUILT:
            with self.subTest(line):
                said = self.refused(line.format(folder=self.cluster_.folder))
                # Of the server, which answers in words: not of the CLI, and no failure.
                self.assertRegex(said, r"Code: 4\d\d\. Errors:\s+\* \w")
        for line, why in OTHERWISE.items():
            with self.subTest(line):
                self.assertIn(why, self.refused(line))


if __name__ == "__main__":
    unittest.main()
