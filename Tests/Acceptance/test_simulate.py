"""The simulator's command line: what fails names its command, what was interrupted goes on."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from support import ROOT, wait_until

SIMULATE = os.environ.get("HOLDFAST_SIMULATE", str(ROOT / ".build/debug/simulate"))
SEEDS = 12


class SimulateTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="holdfast-simulate-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.state = self.folder / "state"

    def campaign(self, program=SIMULATE):
        return [program, "--seeds", f"1..{SEEDS}", "--seconds", "2", "--state", str(self.state)]

    @staticmethod
    def clean(text):
        return [int(seed) for seed in re.findall(r"^seed (\d+) ok", text, re.MULTILINE)]

    def kept(self):
        """The first seed that is not known to be done."""
        try:
            return int(self.state.read_text().splitlines()[1])
        except FileNotFoundError:
            return 0

    def test_a_trap_names_the_command_that_repeats_it(self):
        # A signal from outside lands on the one thread there is, as the trap of a seed does.
        command = [SIMULATE, "--seed", "7", "--nodes", "5", "--faults", "harsh", "--seconds",
                   "1000000"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            time.sleep(1)
            self.assertIsNone(process.poll())
            process.send_signal(signal.SIGILL)
            _, told = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn(
            "repeat: swift run -c release simulate --seed 7 --nodes 5 --faults harsh "
            "--seconds 1000000 --trace\n", told,
        )

    def test_an_interrupted_campaign_goes_on(self):
        with subprocess.Popen(
            self.campaign(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            wait_until("some progress is kept", lambda: self.kept() > 1, 120)
            process.kill()
        begin = self.kept()
        second = subprocess.run(self.campaign(), capture_output=True, text=True, timeout=600)
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertIn(f"resuming at seed {begin}", second.stderr)
        self.assertEqual(self.clean(second.stdout), list(range(begin, SEEDS + 1)))

    def test_what_another_build_did_does_not_count(self):
        done = subprocess.run(self.campaign(), capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.kept(), SEEDS + 1)
        other = self.folder / "simulate"
        shutil.copy(SIMULATE, other)
        with open(other, "ab") as file:
            file.write(b"\0")
        again = subprocess.run(
            self.campaign(str(other)), capture_output=True, text=True, timeout=600
        )
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(len(self.clean(again.stdout)), SEEDS)


if __name__ == "__main__":
    unittest.main()
