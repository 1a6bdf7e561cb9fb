"""sys/monitor: clients that watch the log of a running node, with the real bao command and without."""

import http.client
import json
import pathlib
import re
import subprocess
import time
import unittest

from support import ONE, ClusterTest, clean_environment, wait_until

WATCHERS_MAX = 8
LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[[A-Z]+\] +[a-z]+: .+$")


class Monitor(ClusterTest):
    def open(self):
        self.world = self.open_cluster(ONE, shares=1, threshold=1, tls=False, log_level="warning",
                                       settings={"log_requests_level": '"debug"'})
        self.node = self.world.nodes[0]

    def watch(self, query="", token=None):
        """An answer that goes on."""
        link = http.client.HTTPConnection(*self.node.api_listen.split(":"), timeout=20)
        link.request("GET", f"/v1/sys/monitor{query}", headers={
            "X-Vault-Token": self.world.root_token if token is None else token})
        answer = link.getresponse()
        # The connection is the answer's now, since it closes behind it.
        self.addCleanup(answer.close)
        return answer

    def change(self, level):
        """Leaves a line in the log: a notice of the part core."""
        self.world.ask(self.node, "POST", "sys/loggers/tasks", {"level": level})

    def test_bao(self):
        self.open()
        environment = clean_environment() | {
            "BAO_ADDR": self.node.address, "BAO_TOKEN": self.world.root_token,
            "HOME": self.folder.name}
        shown = f"{self.folder.name}/shown"
        for words, expected in (
                ([], r"\[INFO\]  core: log level changed: level=error loggers=tasks"),
                (["-log-format=json", "-log-level=debug"],
                 r'"@level":"info","@message":"log level changed","@module":"core"')):
            with open(shown, "w") as out:
                bao = subprocess.Popen(["bao", "monitor", *words], env=environment, stdout=out,
                                       stderr=subprocess.STDOUT)
            try:
                def seen():
                    self.change("error")
                    text = pathlib.Path(shown).read_text()
                    # A request's own line comes behind what it did.
                    return re.search(expected, text) and (
                        "-log-level=debug" not in words or "completed_request" in text)
                wait_until(f"bao monitor {words} shows the line", seen, 20)
                text = pathlib.Path(shown).read_text()
            finally:
                bao.terminate()
                bao.wait(20)
            self.assertNotIn(self.world.root_token, text)
            # The request itself is a line for those who asked for that much only.
            self.assertEqual("completed_request" in text, "-log-level=debug" in words, text)
        self.assertNotIn("log level changed", self.node.daemon.log.read_text(),
                         "what is written is as it was")

    def test_what_is_wrong_is_said(self):
        self.open()
        self.assertEqual(self.watch(token="").status, 403)
        self.assertEqual(self.watch(token="s.nonsense").status, 403)
        for query, text in (("?log_level=loud", "unknown log level"),
                            ("?log_format=xml", "unknown log format")):
            answer = self.watch(query)
            self.assertEqual(answer.status, 400)
            self.assertEqual(json.loads(answer.read()), {"errors": [text]})

    def test_it_ends_with_the_seal(self):
        self.open()
        answers = [self.watch() for _ in range(WATCHERS_MAX)]
        for answer in answers:
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.getheader("Transfer-Encoding"), "chunked")
        refused = self.watch()
        self.assertEqual(refused.status, 503)
        self.assertIn("8 clients watch", refused.read().decode())
        # A place is free again when its client has gone.
        answers.pop().close()

        def another():
            answer = self.watch()
            return answer.status == 200 and answer

        answers.append(wait_until("the place is free", another, 10))
        self.change("error")
        self.world.ask(self.node, "PUT", "sys/seal")
        began = time.monotonic()
        for answer in answers:
            lines = answer.read().decode().splitlines()
            self.assertIn("core: log level changed: level=error loggers=tasks",
                          "\n".join(lines))
            for line in lines:
                self.assertRegex(line, LINE)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(self.watch().status, 503)
        self.world.unseal(self.node)
        self.assertEqual(self.watch().status, 200)

    def test_it_does_not_hold_up_a_stop(self):
        self.open()
        answer = self.watch()
        began = time.monotonic()
        self.world.stop()
        # Without its end the stop would wait five seconds for it.
        self.assertLess(time.monotonic() - began, 4)
        answer.read()

    def test_a_client_that_does_not_read_holds_nothing_up(self):
        self.open()
        answer = self.watch("?log_level=debug")
        other = self.watch("?log_level=debug")
        # Each request is a line of some 400 bytes, so this is more than is kept for anybody.
        began = time.monotonic()
        path = "x" * 500
        for _ in range(2_000):
            self.world.call(self.node, "GET", f"secret/data/{path}", token=self.world.root_token)
            while b"completed_request" not in other.readline():
                pass
        self.assertLess(time.monotonic() - began, 120)
        # What is there still is whole lines.
        for _ in range(200):
            self.assertRegex(answer.readline().decode().rstrip("\n"), LINE)


if __name__ == "__main__":
    unittest.main()
