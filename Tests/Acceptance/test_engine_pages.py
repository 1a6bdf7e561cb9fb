"""The examples of the pages about secrets engines, run as they stand, with the bao CLI."""

from pages import run_page
from support import ONE, ClusterTest


class EnginePages(ClusterTest):
    def test_examples(self):
        cluster = self.open_cluster(ONE, shares=1, threshold=1)
        run_page(self, cluster, "KeyValue", scripts_min=8)
        run_page(self, cluster, "OneTimePasswords", scripts_min=2)
        run_page(self, cluster, "Cubbyhole", scripts_min=2)
