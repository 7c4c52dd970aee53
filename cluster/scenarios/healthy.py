"""Nothing is wrong, and somebody asks anyway."""

from .background import ordinary_cluster
from .builder import ClusterBuilder
from .profile import Terway
from .scenario import Scenario, Truth
from .world import World


def healthy(world: World) -> Scenario:
    """A pod that started an hour ago without a hitch."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    pod = world.replica(web, 0)

    def build() -> ClusterBuilder:
        release = world.pick("release", "v1.17.2", "v1.17.5", "v1.16.6")
        cluster = ordinary_cluster(world, "healthy", Terway(release=release), hosts=(21, 22, 23))
        cluster.deployment(shop, web, running={node: 2, world.node(22): 2}, since=world.ago(41))
        for index in range(4):
            cluster.started(shop, world.replica(web, index))
        return cluster

    return Scenario(
        name="healthy",
        title="A healthy cluster",
        symptom=f"{shop}/{web} felt slow this morning; is its network all right?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="healthy",
            facts=("AllocIPSucceed", node),
            forbidden=("exhaust", "not enough", "misconfig", "bug", "permission"),
        ),
    )
