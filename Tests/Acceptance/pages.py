"""Runs the examples of a page of the documentation, as they stand."""

import os
import pathlib
import re
import subprocess

from support import BINARY, ROOT, clean_environment

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run_page(test, cluster, name, scripts_min, **more):
    """Each block of shell is followed by lines of what it prints; in any order.

    A block runs with `set -euo pipefail`, in one folder for the page, with HOLDFAST_ and BAO_ variables
    that point to the cluster's first node, as root, and with those that are given in `more`."""
    work = pathlib.Path(test.folder.name) / f"page-{name}"
    tools = work / ".tools"
    tools.mkdir(parents=True)
    (tools / "holdfast").symlink_to(pathlib.Path(BINARY).resolve())
    environment = clean_environment() | {
        "HOME": str(work), "PATH": f"{tools}:{os.environ['PATH']}",
    } | more
    for prefix in ("HOLDFAST", "BAO"):
        environment |= {
            f"{prefix}_ADDR": cluster.nodes[0].address, f"{prefix}_TOKEN": cluster.root_token,
            f"{prefix}_CACERT": cluster.ca_file() or "",
        }
    page = ROOT / "Sources/Holdfast.docc" / f"{name}.md"
    blocks = BLOCK.findall(page.read_text())
    scripts = [position for position, (kind, _) in enumerate(blocks) if kind == "sh"]
    test.assertGreaterEqual(len(scripts), scripts_min)
    for position in scripts:
        script = blocks[position][1]
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=work,
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=120)
        shown = f"{name}: {script}\n{done.stdout}"
        test.assertEqual(done.returncode, 0, shown)
        kind, expected = blocks[position + 1]
        test.assertEqual(kind, "text", "each example is followed by what it prints")
        for line in expected.splitlines():
            test.assertIn(line, done.stdout, shown)
