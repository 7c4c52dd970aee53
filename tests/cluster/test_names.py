"""Names as Kubernetes accepts them, and paths that say exactly what they name."""

from contextlib import suppress
from urllib.parse import unquote, urlsplit

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.cluster.names import namespace_name, object_name, resource_path
from terway_mcp.cluster.resources import ALL, NODE_CRS, NODES, PODS, Resource

LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
SUBDOMAIN = st.lists(LABEL, min_size=1, max_size=3).map(".".join)
NASTY = st.text(st.sampled_from("/.%?#\\ \0\r\n;&=:@éa-Z_~"), min_size=1, max_size=12)


@given(SUBDOMAIN)
def test_every_subdomain_is_an_objects_name(name: str) -> None:
    assert object_name(name, "pod") == name


@given(LABEL)
def test_every_label_is_a_namespace(name: str) -> None:
    assert namespace_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "Web", "web_0", "-web", "web-", ".web", "web.", "a..b", "a/b", "../a", "a b", "web\n", "wéb", "a%2fb", "٣",
     "a" * 254, "web-0?x=1", "web#1"],
)  # fmt: skip
def test_what_kubernetes_refuses_is_no_name(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"pod .* is not a valid Kubernetes name"):
        object_name(name, "pod")


@pytest.mark.parametrize("name", ["", "kube.system", "Kube", "a" * 64, "-a", "a-", "kube-system\n", "a/b", "..", "*"])
def test_what_kubernetes_refuses_is_no_namespace(name: str) -> None:
    with pytest.raises(InvalidInput, match="is not a valid Kubernetes namespace"):
        namespace_name(name)


def test_the_longest_names_are_accepted() -> None:
    assert len(object_name("a" * 253, "node")) == 253
    assert len(namespace_name("a" * 63)) == 63


@given(st.text(min_size=1))
def test_a_name_is_accepted_whole_or_refused(name: str) -> None:
    with suppress(InvalidInput):
        assert object_name(name, "pod") == name
    with suppress(InvalidInput):
        assert namespace_name(name) == name


def test_a_refusal_repeats_only_the_beginning_of_a_long_name() -> None:
    with pytest.raises(InvalidInput) as error:
        object_name("X" * 10_000, "node")
    assert str(error.value).count("X") == 80


@given(resource=st.sampled_from(ALL), namespace=NASTY, name=NASTY)
def test_a_part_of_a_path_never_leaves_its_segment(resource: Resource, namespace: str, name: str) -> None:
    path = resource_path(resource, namespace=namespace, name=name, subresource="log")
    parts = path.split("/")
    head = ["", "apis", resource.group, resource.version] if resource.group else ["", "api", resource.version]
    assert [unquote(part) for part in parts] == [*head, "namespaces", namespace, resource.plural, name, "log"]
    split = urlsplit(path)
    assert (split.path, split.query, split.fragment) == (path, "", "")


CLIENT = httpx2.Client(base_url="https://10.0.0.1/prefix", trust_env=False, verify=False)


@given(name=NASTY.filter(lambda name: name not in (".", "..")))
def test_the_http_client_sends_a_path_as_it_was_built(name: str) -> None:
    path = resource_path(PODS, namespace="shop", name=name)
    request = CLIENT.build_request("GET", path)
    assert request.url.raw_path.decode() == f"/prefix{path}"


def test_paths_of_both_kinds_called_node_differ() -> None:
    assert resource_path(NODES, name="n1") == "/api/v1/nodes/n1"
    assert resource_path(NODE_CRS, name="n1") == "/apis/network.alibabacloud.com/v1beta1/nodes/n1"
    assert resource_path(PODS) == "/api/v1/pods"
