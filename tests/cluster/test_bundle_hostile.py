"""Whatever bytes a bundle consists of, opening and reading it ends in objects or in a BundleError."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from bundle_fixtures import RES, archive, named
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.errors import BundleCorrupt, BundleError
from terway_mcp.cluster.resources import ALL

FILES = {
    "b/cluster-info/cluster_version.json": {"gitVersion": "v1.36.2"},
    f"b/{RES}/nodes.json": [named("n1")],
    f"b/{RES}/pods/shop.json": [named("web", "shop")],
    f"b/{RES}/pods/logs/shop/{'long' * 40}/c.log": "line\n" * 50,
}
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_everything(path: Path) -> None:
    """Ask for all there is; only BundleError may come out."""
    try:
        bundle = Bundle.open(path)
    except BundleError:
        return
    assert bundle.captured_at.tzinfo is not None
    for resource in ALL:
        for read in (bundle.items, bundle.capture_error, bundle.lacks_type):
            try:
                read(resource)
            except BundleError:
                continue
    try:
        bundle.version()
    except BundleError:
        return


def tar_bytes() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in FILES.items():
            data = str(content).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


TAR = tar_bytes()


@quick
@given(data=st.binary(max_size=2000))
def test_any_bytes_as_an_archive(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_bytes(data)
    read_everything(path)


@quick
@given(cut=st.integers(0, 3000), flips=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=6))
def test_a_damaged_gzip_stream(tmp_path: Path, cut: int, flips: list[tuple[int, int]]) -> None:
    path = archive(tmp_path / "b.tar.gz", FILES)
    data = bytearray(path.read_bytes())
    for place, value in flips:
        data[place % len(data)] = value
    path.write_bytes(bytes(data[: max(1, len(data) - cut % 40)]))
    read_everything(path)


@quick
@given(flips=st.lists(st.tuples(st.integers(0, len(TAR) - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_damaged_tar_headers_inside_a_sound_gzip_stream(tmp_path: Path, flips: list[tuple[int, int]]) -> None:
    data = bytearray(TAR)
    for place, value in flips:
        data[place] = value
    path = tmp_path / "b.tar.gz"
    path.write_bytes(gzip.compress(bytes(data), 1))
    read_everything(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["items", "metadata", "name", "namespace", "info", "string", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@quick
@given(document=json_values | st.binary(max_size=60))
def test_any_document_in_any_place(tmp_path: Path, document: object) -> None:
    places = [f"{RES}/{kind.bundle}{'/shop' if kind.namespaced else ''}.json" for kind in ALL]
    places += [f"{RES}/{kind.bundle}-errors.json" for kind in ALL] + ["cluster-info/cluster_version.json"]
    read_everything(archive(tmp_path / "b.tar.gz", dict.fromkeys(places, document)))


def test_a_header_that_points_backwards_cannot_keep_the_reader_busy(tmp_path: Path) -> None:
    info = tarfile.TarInfo(f"{RES}/nodes.json")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + b"\xfc\x00"  # a size of -1024 in base 256
    header[148:156] = b"        "
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    path = tmp_path / "b.tar.gz"
    path.write_bytes(gzip.compress(bytes(header) * 3 + bytes(1024)))
    with pytest.raises(BundleCorrupt):
        Bundle.open(path)


def test_an_extended_header_of_absurd_length_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 50_000_000
    path = tmp_path / "b.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(50_001_920), 1))
    with pytest.raises(BundleCorrupt, match="header of 50000"):
        Bundle.open(path)
