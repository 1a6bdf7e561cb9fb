"""The examples of the page about policies, run as they stand."""

from pages import run_page
from support import ONE, ClusterTest


class PoliciesPage(ClusterTest):
    def test_examples(self):
        cluster = self.open_cluster(ONE, shares=1, threshold=1)
        run_page(self, cluster, "Policies", scripts_min=4)
