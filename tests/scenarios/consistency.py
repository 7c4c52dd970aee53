"""What must hold in every capture, whatever went wrong in it."""

from collections import Counter
from ipaddress import ip_address, ip_network
from typing import Any

from .reading import TERWAY, Files, custom, objects

NEW_API_SINCE = (1, 17, 2)
OLD_NAMES = {
    "CniPodCreateError",
    "CniPodDeleteError",
    "CniCreateENIError",
    "CniPodENIDeleteErr",
    "ENIAttachSuccess",
    "ENIAttachFailed",
    "ENICreated",
    "ENICreateFailed",
    "ENIDeleted",
    "ENIDeleteFailed",
}
NEW_NAMES = {"PodCreateFailed", "PodDeleteFailed", "DeletePodENIFailed"}


def release_of(files: Files) -> tuple[int, ...]:
    """The Terway release by the image of its DaemonSet."""
    sets = [each for each in objects(files, "daemonsets") if "terway" in each["metadata"]["name"]]
    image = sets[0]["spec"]["template"]["spec"]["containers"][0]["image"]
    return tuple(int(part) for part in image.rpartition(":v")[2].split("."))


def addresses_agree(files: Files) -> None:
    """Pods and Node CRs tell the same story about who has which address."""
    pods = {f"{each['metadata']['namespace']}/{each['metadata']['name']}": each for each in objects(files, "pods")}
    own_enis = {f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in custom(files, "podenis")}
    for node in custom(files, "nodes"):
        if "eni" not in node["spec"]:
            continue
        name = node["metadata"]["name"]
        recorded = _recorded(node)
        prefixes = [
            ip_network(each["prefix"])
            for eni in node["status"]["networkInterfaces"].values()
            for each in eni.get("ipv4Prefix", [])
        ]
        mine = {key: pod for key, pod in pods.items() if pod["spec"].get("nodeName") == name}
        for key, pod in mine.items():
            address = pod["status"].get("podIP")
            if not address or pod["spec"].get("hostNetwork") or key in own_enis:
                continue
            if prefixes:
                assert any(ip_address(address) in prefix for prefix in prefixes), (
                    f"{key} has {address} outside prefixes"
                )
                continue
            assert recorded.get(address) == (key, pod["metadata"]["uid"]), f"{key} has {address}, {name} does not agree"
        for address, (key, uid) in recorded.items():
            assert pods[key]["metadata"]["uid"] == uid
            # A pod may wait with an address reserved; once it has one, it is that one.
            assert address in [each["ip"] for each in pods[key]["status"].get("podIPs", [{"ip": address}])]


def _recorded(node: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {
        entry["ip"]: (entry["podID"], entry["podUID"])
        for eni in node["status"]["networkInterfaces"].values()
        for family in ("ipv4", "ipv6")
        for entry in eni.get(family, {}).values()
        if entry.get("podID")
    }


def limits_hold(files: Files) -> None:
    """No node has more ENIs or addresses than its instance type allows, and no address is given twice."""
    seen: Counter[str] = Counter()
    for node in custom(files, "nodes"):
        enis = node.get("status", {}).get("networkInterfaces", {})
        cap = node["spec"]["nodeCap"]
        assert len(enis) <= cap["adapters"] - 1
        for eni in enis.values():
            assert len(eni["ipv4"]) <= cap["ipv4PerAdapter"]
            seen.update(list(eni["ipv4"]))
    assert not [address for address, count in seen.items() if count > 1]


def events_speak_the_release(files: Files) -> None:
    """Reason names and event API are those of the installed release."""
    modern = release_of(files) >= NEW_API_SINCE
    for event in objects(files, "events"):
        reporter = event["reportingComponent"]
        if event["reason"] in OLD_NAMES:
            assert not modern
        if event["reason"] in NEW_NAMES:
            assert modern
        if reporter.startswith("terway-controlplane/") or reporter in ("multi-ip-node", "TerwayPodController"):
            assert (event["firstTimestamp"] is None) == modern
            assert (event["eventTime"] is not None) == modern
            assert ("action" in event) == modern
        if reporter in ("terway-daemon", "kubelet") and event["eventTime"] is None:
            assert event["firstTimestamp"] <= event["lastTimestamp"]
            assert event["count"] >= 1


def events_name_real_objects(files: Files) -> None:
    """An event's uid is that of the object it names, where the object is in the capture."""
    uids: dict[tuple[str, str, str], str] = {}
    kinds = (
        ("Pod", objects(files, "pods"), ""),
        ("Node", objects(files, "nodes"), ""),
        ("Node", custom(files, "nodes"), TERWAY),
    )
    for kind, found, group in kinds:
        uids |= {(group, kind, each["metadata"]["name"]): each["metadata"]["uid"] for each in found}
    for event in objects(files, "events"):
        about = event["involvedObject"]
        assert event["metadata"]["namespace"] == about.get("namespace", "default")
        group = TERWAY if about.get("apiVersion", "").startswith(TERWAY) else ""
        key = (group, about["kind"], about["name"])
        # A kubelet names its Node by the name where others put the uid.
        if key in uids and about.get("uid") not in (None, about["name"]):
            assert about["uid"] == uids[key]


def nothing_is_later_than_the_capture(files: Files, now: str) -> None:
    """No event and no object claims to be from after the capture."""
    for event in objects(files, "events"):
        for moment in (event["firstTimestamp"], event["lastTimestamp"], event["eventTime"]):
            assert moment is None or moment[:19] <= now[:19], event
    for pod in objects(files, "pods"):
        assert pod["metadata"]["creationTimestamp"] <= now


def names_are_unique(files: Files) -> None:
    """No two objects of a kind share a name, no two objects at all a uid."""
    uids: Counter[str] = Counter()
    for place in ("pods", "nodes", "events", "deployments", "daemonsets", "configmaps"):
        found = objects(files, place)
        names = Counter((each["metadata"].get("namespace"), each["metadata"]["name"]) for each in found)
        assert not [name for name, count in names.items() if count > 1], place
        uids.update(each["metadata"]["uid"] for each in found)
    assert not [uid for uid, count in uids.items() if count > 1]


def all_of_it(files: Files, now: str) -> None:
    """Every rule of this module."""
    addresses_agree(files)
    limits_hold(files)
    events_speak_the_release(files)
    events_name_real_objects(files)
    nothing_is_later_than_the_capture(files, now)
    names_are_unique(files)
