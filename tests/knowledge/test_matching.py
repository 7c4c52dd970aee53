"""Decoys, aggregates and spellings: what must not be misread."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.titles import fill

_ID = "3D6A7C1E-0B7E-5A77-9C11-2F2E1C0A9B11"


def _cause(knowledge: Knowledge, text: str) -> str | None:
    return knowledge.match_text(text, "event")[0].entry.cause


def test_an_aggregate_with_an_exhausted_vswitch_is_exhaustion_and_nothing_else(knowledge: Knowledge) -> None:
    text = "[vsw-a no ip left, no available vSwitch for zone cn-hangzhou-h, vswList [vsw-a]]"
    matches = knowledge.match_text(text, "event")
    assert [match.entry.cause for match in matches] == ["vswitch_ip_exhausted"]
    assert matches[0].groups == {"vswitch": "vsw-a", "zone": "cn-hangzhou-h"}


def test_an_aggregate_without_an_exhausted_vswitch_is_the_zone(knowledge: Knowledge) -> None:
    assert (
        _cause(knowledge, "no available vSwitch for zone cn-hangzhou-h, vswList [vsw-a vsw-b]")
        == "vswitch_zone_mismatch"
    )
    assert _cause(knowledge, "no available vSwitch for zone cn-hangzhou-h, vswList []") == "vswitch_zone_mismatch"


@pytest.mark.parametrize(
    ("tail", "cause"),
    [
        ("[vsw-a no ip left, no available vSwitch for zone cn-h-a, vswList [vsw-a]]", "vswitch_ip_exhausted"),
        ("no available vSwitch for zone cn-hangzhou-h, vswList [vsw-j]", "podnetworking_zone_without_vswitch"),
        ("parse k8s.aliyun.com/pod-networks from pod annotataion, invalid character", "pod_annotation_malformed"),
        ("zoneID is empty", "node_labels_missing"),
        ("error get vSwitch vsw-a, not found", "vswitch_not_found"),
    ],
)
def test_error_parse_pod_annotation_is_judged_by_its_tail(tail: str, cause: str, knowledge: Knowledge) -> None:
    assert _cause(knowledge, f"Pod create error: error parse config, error parse pod annotation, {tail}") == cause


@pytest.mark.parametrize(
    "text",
    [
        "cmdAdd: error alloc ip rpc error: code = DeadlineExceeded desc = context deadline exceeded",
        "cmdAdd: error alloc ip rpc error: code = Unknown desc = no eni can handle the allocation",
        "code: PodIsProcessing, msg: Pod shop/web-0 request is processing",
        "Pod sandbox changed, it will be killed and re-created.",
    ],
)
def test_a_generic_text_is_a_symptom_without_a_cause(text: str, knowledge: Knowledge) -> None:
    matches = knowledge.match_text(text, "event")
    assert {match.entry.role for match in matches} == {"symptom"}


def test_an_edit_conflict_is_benign_whatever_else_the_text_holds(knowledge: Knowledge) -> None:
    text = 'error parse terway configmap x, Operation cannot be fulfilled on nodes "n": the object has been modified'
    assert knowledge.match_text(text, "event")[0].entry.role == "benign"


def test_a_failed_attach_is_not_a_failed_creation(knowledge: Knowledge) -> None:
    text = "ENI creation error: attach eni failed, eni cr phase Unbind not match Bind, elapsedTime: 1s"
    assert _cause(knowledge, text) == "eni_attach_stuck"
    assert _cause(knowledge, "ENI creation error: eni cr phase Detaching not match Unbind") == "podeni_stuck_detaching"


def test_metadata_404_is_a_missing_credential_and_a_timeout_is_the_network(knowledge: Knowledge) -> None:
    refused = "error create aliyun client: error get clientset, Aliyun Metadata API Error: Status Code: 404"
    blocked = 'Get "http://100.100.100.200/latest/meta-data/": dial tcp 100.100.100.200:80: i/o timeout'
    assert _cause(knowledge, refused) == "credential_missing"
    assert _cause(knowledge, blocked) == "metadata_unreachable"


def test_a_code_inside_a_wrapped_text_speaks_and_brings_its_identifiers(knowledge: Knowledge) -> None:
    text = (
        "Failed to create ENI type=Secondary vsw=vsw-bp1: errCode: InvalidVSwitchId.IpNotEnough, "
        f'msg: The specified VSwitch "vsw-bp1" has not enough IpAddress., requestID: {_ID}'
    )
    first = knowledge.match_text(text, "event")[0]
    assert first.entry.id == "vswitch_ip_not_enough"
    assert first.groups == {"code": "InvalidVSwitchId.IpNotEnough", "request_id": _ID, "vswitch": "vsw-bp1"}


def test_the_account_quota_outranks_the_empty_vswitch_it_causes(knowledge: Knowledge) -> None:
    text = f"[errCode: QuotaExceeded.PrivateIpAddress, msg: x, requestID: {_ID}, vsw-a no ip left]"
    assert _cause(knowledge, text) == "quota_private_ip"


def test_lost_events_do_not_hide_the_failure_they_report(knowledge: Knowledge) -> None:
    line = (
        'E0701 event_broadcaster.go:270] "Server rejected event (will not retry!)" err="events.events.k8s.io is '
        f'forbidden" event={{"note":"errCode: InvalidVSwitchId.IpNotEnough, msg: x, requestID: {_ID}"}}'
    )
    causes = [match.entry.cause for match in knowledge.match_text(line, "controlplane_log")]
    assert causes[:2] == ["vswitch_ip_exhausted", "events_rbac_gap"]


def test_a_text_is_only_read_where_it_can_appear(knowledge: Knowledge) -> None:
    line = '"daemon is not at crd mode, disable v2 ipam"'
    assert knowledge.match_text(line, "controlplane_log")
    assert knowledge.match_text(line, "event") == ()


def test_a_text_for_one_object_is_left_out_for_another(knowledge: Knowledge) -> None:
    text = "timed out waiting for the condition"
    assert knowledge.match_text(text, "event", object_kind="Node")[0].entry.cause == "vswitch_ip_exhausted"
    assert knowledge.match_text(text, "event", object_kind="PodENI") == ()


@pytest.mark.parametrize(
    "spelling",
    [
        "InvalidVSwitchID.IPNotEnough",
        "invalidvswitchid.ipnotenough",
        "ErrInvalidVSwitchId.IpNotEnough",
        " InvalidVSwitchId.IpNotEnough ",
    ],
)
def test_a_code_is_recognised_in_every_spelling(spelling: str, knowledge: Knowledge) -> None:
    entry = knowledge.openapi_code(spelling)
    assert entry is not None
    assert entry.match.names == ("InvalidVSwitchId.IpNotEnough",)


def test_what_nobody_knows_is_none(knowledge: Knowledge) -> None:
    assert knowledge.openapi_code("Totally.New") is None
    assert knowledge.event_reason("TotallyNew", object_kind="Pod") is None
    assert knowledge.canonical_reason("TotallyNew", "Pod") == "TotallyNew"
    assert knowledge.config_key("eni_conf", "vswitchs") is None
    assert knowledge.label("example.com/x") is None
    assert knowledge.state("never_heard_of") is None
    assert knowledge.cause("never_heard_of") is None
    assert knowledge.match_text("all is quiet", "event") == ()


def test_a_known_reason_on_an_unexpected_object_is_better_than_nothing(knowledge: Knowledge) -> None:
    entry = knowledge.event_reason("PrefixModeImmutable", object_kind="ConfigMap")
    assert entry is not None
    assert entry.cause == "prefix_mode_toggled"


def test_a_reason_without_reporter_is_found_by_its_object(knowledge: Knowledge) -> None:
    on = {kind: knowledge.event_reason("AllocIPFailed", object_kind=kind) for kind in ("Pod", "Node", "NodeCR")}
    assert {kind: entry.id for kind, entry in on.items() if entry} == {
        "Pod": "pod_alloc_ip_failed",
        "Node": "node_alloc_ip_failed",
        "NodeCR": "nodecr_alloc_ip_failed",
    }


@pytest.mark.parametrize(
    ("old", "kind", "new"),
    [
        ("CniPodCreateError", "Pod", "PodCreateFailed"),
        ("CniCreateENIError", "Pod", "CreateENIFailed"),
        ("ENIAttachFailed", "NodeCR", "AttachENIFailed"),
        ("ENICreated", "NodeCR", "CreateENISucceed"),
    ],
)
def test_an_old_reason_has_its_new_name(old: str, kind: str, new: str, knowledge: Knowledge) -> None:
    assert knowledge.canonical_reason(old, kind) == new


@given(st.one_of(st.text(), st.binary(max_size=4096)))
def test_no_text_can_break_matching(text: str | bytes) -> None:
    _SHARED.match_text(text, "event")


_SHARED = Knowledge.load()


def test_thousands_of_texts_are_matched_quickly(knowledge: Knowledge) -> None:
    line = b'I0701 08:00:10.123456       1 local.go:485] "something else" eni="eni-1" req={"a":1} ' * 4
    knowledge.match_text(line, "log")
    start = time.perf_counter()
    for _ in range(2000):
        knowledge.match_text(line, "log")
    assert time.perf_counter() - start < 2.0


def test_a_title_is_filled_and_says_what_is_unknown() -> None:
    assert fill("vSwitch {vswitch} is empty ({code})", {"vswitch": "vsw-1"}) == "vSwitch vsw-1 is empty"
    assert fill("throttled ({code})", {"code": "Throttling"}) == "throttled (Throttling)"
    assert fill("no vSwitch in {zone}", {}) == "no vSwitch in (unknown)"
    assert fill("jsonpath='{.data.x}'", {}) == "jsonpath='{.data.x}'"
