"""Runs the examples of a page of the documentation, as they stand."""

import contextlib
import os
import pathlib
import pty
import re
import subprocess
import threading

from support import BINARY, ROOT, clean_environment

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def run_page(test, cluster, name, scripts_min, **more):
    """Each block of shell is followed by lines of what it prints, in the order in which it prints
    them. A line stands for a whole one, or for what `…` leaves out.

    A block runs with `set -euo pipefail`, in one folder for the page, with HOLDFAST_ and BAO_ variables
    that point to the cluster's first node, as root, and with those that are given in `more`."""
    work = pathlib.Path(test.folder.name) / f"page-{name}"
    tools = work / ".tools"
    tools.mkdir(parents=True)
    (tools / "holdfast").symlink_to(pathlib.Path(BINARY).resolve())
    environment = clean_environment() | {
        "HOME": str(work), "PATH": f"{tools}:{os.environ['PATH']}", "TERM": "xterm",
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
        status, printed = run_script(script, work, environment)
        shown = f"{name}: {script}\n{printed}"
        test.assertEqual(status, 0, shown)
        kind, expected = blocks[position + 1]
        test.assertEqual(kind, "text", "each example is followed by what it prints")
        test.assertIsNone(first_missing(expected, printed), f"is not there: {shown}")


def run_script(script, work, environment):
    """Exit status and output on a terminal, where clients end lines that they leave open in a
    pipe."""
    outside, inside = pty.openpty()
    printed = b""
    with subprocess.Popen(["bash", "-euo", "pipefail", "-c", script], cwd=work, env=environment,
                          stdin=subprocess.DEVNULL, stdout=inside, stderr=inside) as process:
        os.close(inside)
        timer = threading.Timer(120, process.kill)
        timer.start()
        # A terminal whose last writer is gone gives an error in place of an end.
        with contextlib.suppress(OSError):
            while piece := os.read(outside, 1 << 16):
                printed += piece
        process.wait()
        timer.cancel()
    os.close(outside)
    return process.returncode, COLOUR.sub("", printed.decode(errors="replace"))


def first_missing(expected, printed):
    """The first line that is not there behind the one before it, or None. Blanks around a line are
    nothing."""
    lines = iter(printed.splitlines())
    for line in expected.splitlines():
        pattern = re.compile(".*".join(map(re.escape, line.strip().split("…"))))
        if not any(pattern.fullmatch(each.strip()) for each in lines):
            return line
    return None
