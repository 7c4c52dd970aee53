"""Label and field selectors select what an API server would."""

import re

import pytest
from bundle_fixtures import named
from hypothesis import given
from hypothesis import strategies as st

from terway_mcp.cluster.embedded.fields import refusal, selectable
from terway_mcp.cluster.embedded.selectors import parse_fields, parse_labels
from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.cluster.resources import CONFIGMAPS, EVENTS, NODE_CRS, NODES, PODS

LABELS = {"app": "terway", "tier": "", "gen": "7", "k8s.aliyun.com/node": "n1"}


def selects(selector: str, labels: dict[str, str] = LABELS) -> bool:
    return all(requirement.matches(labels) for requirement in parse_labels(selector))


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("", True),
        ("app=terway", True),
        ("app==terway", True),
        ("app = terway , tier", True),
        ("app=other", False),
        ("app!=other", True),
        ("missing!=other", True),
        ("app", True),
        ("missing", False),
        ("!missing", True),
        ("!app", False),
        ("app in (terway, flannel)", True),
        ("app in (flannel)", False),
        ("app notin (flannel)", True),
        ("app notin (terway)", False),
        ("missing notin (x)", True),
        ("missing in (x)", False),
        ("tier=", True),
        ("tier=,app=terway", True),
        ("tier in (,x)", True),
        ("app in (,)", False),
        ("gen>6", True),
        ("gen<7", False),
        ("app>1", False),
        ("k8s.aliyun.com/node=n1", True),
        ("in=x", False),
        ("notin", False),
    ],
)
def test_label_selectors(selector: str, selected: bool) -> None:
    assert selects(selector) is selected


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("a b c", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("=x", "found '=', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("a in ((", "unable to parse requirement: found '(', expected: ',', ')' or identifier"),
        ("a=!", "unable to parse requirement: found '!', expected: identifier"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("a in ()", "unable to parse requirement: values: Invalid value: []"),
        ("-a=b", "unable to parse requirement: <nil>: Invalid value"),
        ("a=-b", "unable to parse requirement: values[0]: Invalid value"),
        ("a>b", "unable to parse requirement: values[0]: Invalid value"),
    ],
)
def test_malformed_label_selectors_are_explained(selector: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{re.escape(message)}"):
        parse_labels(selector)


@given(st.text(alphabet="ab=!(),<> innot/.-\\\0é", max_size=30))
def test_any_text_is_a_selector_or_invalid_input(text: str) -> None:
    for parse in (parse_labels, lambda selector: parse_fields(selector, lambda _: None)):
        try:
            parse(text)
        except InvalidInput:
            continue


label_values = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,5}[a-z0-9])?", fullmatch=True)


@given(
    key=label_values,
    wanted=st.lists(label_values, min_size=1, max_size=4),
    labels=st.dictionaries(label_values, label_values),
)
def test_in_and_notin_are_opposites_and_in_is_any_of_the_equalities(
    key: str, wanted: list[str], labels: dict[str, str]
) -> None:
    among = selects(f"{key} in ({','.join(wanted)})", labels)
    assert among is not selects(f"{key} notin ({','.join(wanted)})", labels)
    assert among is any(selects(f"{key}={value}", labels) for value in wanted)
    assert selects(key, labels) is not selects(f"!{key}", labels)


@given(value=st.text(max_size=12))
def test_an_escaped_field_value_comes_back_whole(value: str) -> None:
    escaped = re.sub(r"([\\,=])", r"\\\1", value)
    (term,) = parse_fields(f"metadata.name={escaped}", lambda _: None)
    assert term.value == value


def field_selects(selector: str, item: dict[str, object], resource: object = PODS) -> bool:
    known = selectable(resource)  # type: ignore[arg-type]
    return all(
        term.matches(known[term.field](item))
        for term in parse_fields(selector, lambda name: refusal(resource, name))  # type: ignore[arg-type]
    )


POD = named(
    "web-0",
    "shop",
    spec={"nodeName": "n1", "hostNetwork": True, "restartPolicy": "Always"},
    status={"phase": "Running", "podIP": "10.0.0.5", "podIPs": [{"ip": "10.0.0.5"}]},
)


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("spec.nodeName=n1", True),
        ("spec.nodeName==n2", False),
        ("status.phase!=Succeeded,status.phase!=Failed,spec.nodeName=n1", True),
        ("metadata.name=web-0,metadata.namespace=shop", True),
        ("spec.hostNetwork=true", True),
        ("status.podIP=10.0.0.5", True),
        ("status.podIPs=10.0.0.5", True),
        ("status.nominatedNodeName=", True),
        ("spec.schedulerName!=", False),
        ("", True),
    ],
)
def test_pod_field_selectors(selector: str, selected: bool) -> None:
    assert field_selects(selector, POD) is selected


def test_flags_that_are_not_set_select_as_false() -> None:
    assert field_selects("spec.hostNetwork=false", named("a", "b"))
    assert field_selects("spec.unschedulable=false", named("n1"), NODES)


def test_the_source_of_an_event_falls_back_to_its_reporter() -> None:
    assert field_selects("source=terway-daemon", named("e", "d", source={}, reportingComponent="terway-daemon"), EVENTS)
    assert field_selects("source=kubelet", named("e", "d", source={"component": "kubelet"}), EVENTS)


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        (PODS, "field label not supported: spec.bogus"),
        (EVENTS, "field label not supported: spec.bogus"),
        (NODE_CRS, "field label not supported: spec.bogus"),
        (CONFIGMAPS, '"spec.bogus" is not a known field selector: only "metadata.name", "metadata.namespace"'),
    ],
)
def test_unsupported_fields_are_refused_in_the_words_of_the_resource(resource: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{re.escape(message)}$"):
        field_selects("spec.bogus=x", POD, resource)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("nonsense", "invalid selector: 'nonsense'; can't understand 'nonsense'"),
        (r"metadata.name=a\b", r"invalid field selector: invalid escape sequence: \b"),
        ("metadata.name=a=b", "invalid field selector: unescaped character in value: 61"),
    ],
)
def test_malformed_field_selectors_are_explained(selector: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{re.escape(message)}$"):
        parse_fields(selector, lambda _: None)
