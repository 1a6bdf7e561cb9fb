"""The demo tells the truth and ends with exit code 0; --keep and --stop do what they say."""

import os
import pathlib
import stat
import subprocess
import unittest

from support import BINARY, ROOT, clean_environment


class Demo(unittest.TestCase):
    def demo(self, *arguments):
        return subprocess.run(
            ["python3", "Cluster/demo.py", "--binary", BINARY, *arguments], cwd=ROOT,
            capture_output=True, text=True, env=clean_environment(), timeout=240)

    def test_the_story(self):
        done = self.demo()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("writes were refused for", done.stdout)

    def test_keep_and_stop(self):
        env = ROOT / "Cluster/.demo/env"
        self.assertFalse(env.exists(), "a demo is kept already: Cluster/demo --stop")
        try:
            done = self.demo("--keep")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(stat.S_IMODE(os.stat(env).st_mode), 0o600)
            read = subprocess.run(
                ["bash", "-c", f". {env}; {BINARY} kv get -format=json secret/payments/api-key"],
                capture_output=True, text=True, env=clean_environment(), timeout=30)
            self.assertEqual(read.returncode, 0, read.stdout + read.stderr)
            pids = [int(line.split()[0]) for line in
                    (ROOT / "Cluster/.demo/pids").read_text().splitlines()]
        finally:
            stopped = subprocess.run(["python3", "Cluster/demo.py", "--stop"], cwd=ROOT,
                                     capture_output=True, text=True, timeout=60)
        self.assertEqual(stopped.returncode, 0, stopped.stderr)
        for pid in pids:
            self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())


if __name__ == "__main__":
    unittest.main()
