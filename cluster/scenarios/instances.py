"""Instance types and the network limits DescribeInstanceTypes reports for them."""

import msgspec


class InstanceType(msgspec.Struct, frozen=True):
    """Limits of one ECS instance type; `adapters` counts the primary ENI too."""

    name: str
    cpu: int
    memory_gib: int
    adapters: int
    ipv4_per_adapter: int
    ipv6_per_adapter: int
    member_adapters: int = 0

    @property
    def secondary_enis(self) -> int:
        """ENIs Terway may attach."""
        return self.adapters - 1

    @property
    def pod_ips(self) -> int:
        """Pod addresses of a shared-ENI node at most."""
        return self.secondary_enis * self.ipv4_per_adapter


INSTANCE_TYPES = {
    kind.name: kind
    for kind in (
        InstanceType("ecs.g7.large", 2, 8, 3, 6, 6, 6),
        InstanceType("ecs.c7.large", 2, 4, 3, 6, 6, 6),
        InstanceType("ecs.g7.xlarge", 4, 16, 4, 15, 15, 12),
        InstanceType("ecs.c7.xlarge", 4, 8, 4, 15, 15, 12),
        InstanceType("ecs.g7.2xlarge", 8, 32, 4, 15, 15, 18),
        InstanceType("ecs.g7.4xlarge", 16, 64, 8, 30, 30, 30),
        InstanceType("ecs.g7.8xlarge", 32, 128, 8, 30, 30, 40),
        InstanceType("ecs.sn1ne.xlarge", 4, 8, 3, 10, 1, 0),
    )
}
