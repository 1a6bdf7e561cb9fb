"""The examples of the page about policies, run as they stand."""

import os
import pathlib
import re
import subprocess

from support import BINARY, ONE, ROOT, ClusterTest, clean_environment

PAGE = ROOT / "Sources/Holdfast.docc/Policies.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class PoliciesPage(ClusterTest):
    def test_examples(self):
        cluster = self.open_cluster(ONE, shares=1, threshold=1)
        tools = pathlib.Path(self.folder.name) / "bin"
        tools.mkdir()
        (tools / "holdfast").symlink_to(pathlib.Path(BINARY).resolve())
        work = pathlib.Path(self.folder.name) / "work"
        work.mkdir()
        environment = clean_environment() | {
            "HOLDFAST_ADDR": cluster.nodes[0].address, "HOLDFAST_TOKEN": cluster.root_token,
            "HOLDFAST_CACERT": cluster.ca_file() or "", "HOME": str(work),
            "PATH": f"{tools}:{os.environ['PATH']}",
        }
        blocks = BLOCK.findall(PAGE.read_text())
        scripts = [position for position, (kind, _) in enumerate(blocks) if kind == "sh"]
        self.assertGreaterEqual(len(scripts), 4)
        for position in scripts:
            script = blocks[position][1]
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=work,
                                  env=environment, capture_output=True, text=True, timeout=120)
            shown = f"{script}\n{done.stdout}{done.stderr}"
            self.assertEqual(done.returncode, 0, shown)
            kind, expected = blocks[position + 1]
            self.assertEqual(kind, "text", "each example is followed by what it prints")
            for line in expected.splitlines():
                self.assertIn(line, done.stdout + done.stderr, shown)
