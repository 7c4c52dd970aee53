"""Clients with bearer tokens: who gets in, how tokens are made, changed and kept."""

import hashlib
from pathlib import Path

import anyio
import httpx2
import pytest

from terway_mcp.cluster.errors import CredentialsError
from terway_mcp.server.http import token_file
from terway_mcp.server.http.token_file import TokenFile, new_token
from tests.server.http.callers import calling, clients, post
from tests.server.http.conftest import Shared
from tests.server.processes import free_port, run, served

NODE = "cn-hangzhou.10.0.1.21"


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    path.touch(0o600)
    path.write_text(text)
    path.chmod(mode)
    return path


def caller_of(tokens: TokenFile, token: str) -> str | None:
    found = anyio.run(tokens.verify_token, token)
    return found.client_id if found else None


def test_without_a_token_or_with_a_wrong_one_nothing_is_answered(shared: Shared) -> None:
    digest = hashlib.sha256(shared.alice.encode()).hexdigest()
    for token in ("", "wrong", shared.alice[:-1], shared.alice + "x", shared.alice.upper(), digest, "e" * 60_000):
        answer = post(shared.server.url, token)
        assert answer.status_code in (401, 431) if len(token) > 50_000 else answer.status_code == 401
        assert "inspect_cluster" not in answer.text
    assert post(shared.server.url).headers["www-authenticate"].startswith("Bearer ")
    assert post(shared.server.url, authorization=f"Basic {shared.alice}").status_code == 401
    assert httpx2.post(f"{shared.server.url}?access_token={shared.alice}", json={}).status_code == 401


def test_a_token_lets_its_client_in(shared: Shared) -> None:
    for token in (shared.alice, shared.bob):
        assert "inspect_cluster" in post(shared.server.url, token).text


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_investigation_of_another_client_is_unknown_and_so_is_its_report(shared: Shared, mode: str) -> None:
    url = shared.server.url
    async with calling(url, shared.alice, mode) as alice, calling(url, shared.bob, mode) as bob:
        investigation = await alice.opened()
        report = f"terway://investigations/{investigation}/report"
        node = {"investigation": investigation, "node": NODE}
        assert (await alice.call("inspect_node", **node))["status"] == "ok"
        for tool, arguments in (
            ("inspect_node", node),
            ("inspect_cluster", {"investigation": investigation}),
            ("correlate", {"investigation": investigation.upper()}),
        ):
            refused = await bob.call(tool, **arguments)
            assert (refused["status"], refused["investigation"]) == ("unknown_investigation", None)
        assert (await alice.client.read_resource(report)).contents
        with pytest.raises(Exception, match="no such investigation") as foreign:
            await bob.client.read_resource(report)
        with pytest.raises(Exception, match="no such investigation") as unknown:
            await bob.client.read_resource(f"terway://investigations/{'0' * 26}/report")
        assert str(foreign.value) == str(unknown.value), "nothing tells that there is one"
        assert (await alice.call("inspect_node", **node))["status"] == "ok"


def test_a_changed_file_takes_effect_with_the_next_request(bundle: Path, tmp_path: Path) -> None:
    old, old_line = new_token("alice")
    new, new_line = new_token("alice")
    file = written(tmp_path / "tokens", f"# before\n{old_line}\n")
    with served("--bundle", str(bundle), "--token-file", str(file), home=tmp_path) as server:

        def let_in() -> list[bool]:
            return [post(server.url, token).status_code == 200 for token in (old, new)]

        assert let_in() == [True, False]
        file.write_text(f"{old_line}\n\n{new_line}\n")
        assert let_in() == [True, True]
        written(tmp_path / "next", f"{new_line}\n").replace(file)
        assert let_in() == [False, True]
        file.write_text(new_line[:-1])
        assert let_in() == [False, True], "a half-written file changes nothing"
        assert "line 1: not NAME sha256:HEX" in server.said
        assert new_line[:-1] not in server.said
        file.write_text("# nobody\n")
        assert let_in() == [False, False]


def test_a_name_keeps_its_investigations_when_its_token_changes(bundle: Path, tmp_path: Path) -> None:
    old, old_line = new_token("alice")
    new, new_line = new_token("alice")
    file = written(tmp_path / "tokens", f"{old_line}\n{new_line}\n")

    async def passed_on(url: str) -> str:
        async with calling(url, old) as before, calling(url, new) as after:
            answer = await after.call("inspect_node", investigation=await before.opened(), node=NODE)
            return str(answer["status"])

    with served("--bundle", str(bundle), "--token-file", str(file), home=tmp_path) as server:
        assert anyio.run(passed_on, server.url) == "ok"


A_LINE = "alice sha256:" + "a" * 64
MALFORMED = [
    ("", "names no client"),
    ("# nobody\n\n", "names no client"),
    ("alice\n", "line 1: not NAME sha256:HEX"),
    (f"# one\n{A_LINE}\nalice sha256:abc\n", "line 3: not NAME sha256:HEX"),
    ("alice md5:" + "a" * 32, "line 1: not NAME sha256:HEX"),
    ("alice sha256:" + "A" * 64, "line 1: not NAME sha256:HEX"),
    ("al/ice sha256:" + "a" * 64, "line 1: not NAME sha256:HEX"),
    ("local sha256:" + "a" * 64, "line 1: not NAME sha256:HEX"),
    (f"{A_LINE}\nbob sha256:{'a' * 64}\n", "line 2: this token belongs to another client"),
]


@pytest.mark.parametrize(("text", "said"), MALFORMED)
def test_a_malformed_file_is_refused_with_its_line_and_without_what_stands_there(
    text: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(CredentialsError, match=said) as refused:
        TokenFile(written(tmp_path / "tokens", text))
    assert "aaaa" not in str(refused.value)


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o620, 0o666])
def test_a_file_that_others_can_read_or_change_is_refused_with_what_to_do(mode: int, tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=f"mode 0{mode:o}.*chmod 600"):
        TokenFile(written(tmp_path / "tokens", A_LINE, mode))


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
def test_a_file_for_its_owner_or_a_mounted_secret_for_its_group_is_accepted(mode: int, tmp_path: Path) -> None:
    TokenFile(written(tmp_path / "tokens", A_LINE, mode))


def test_a_file_that_becomes_readable_to_all_goes_on_as_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made, lines = clients("alice")
    tokens = TokenFile(written(tmp_path / "tokens", lines))
    (tmp_path / "tokens").chmod(0o644)
    assert caller_of(tokens, made["alice"]) == "alice"
    assert "can be read or changed by others" in caplog.text


def test_every_line_is_compared_in_full_by_a_comparison_that_tells_nothing_by_its_duration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, lines = clients("first", "second", "third")
    tokens = TokenFile(written(tmp_path / "tokens", lines))
    compared: list[tuple[str, str]] = []
    real = token_file.compare_digest

    def counting(kept: str, presented: str) -> bool:
        compared.append((kept, presented))
        return real(kept, presented)

    monkeypatch.setattr(token_file, "compare_digest", counting)
    for token in (made["first"], made["third"], "nobody's"):
        compared.clear()
        caller_of(tokens, token)
        digest = hashlib.sha256(token.encode()).hexdigest()
        assert len(compared) == 3
        assert {presented for _, presented in compared} == {digest}, "hashes are compared, never the token"


def test_a_token_is_made_with_its_line(empty_home: Path, tmp_path: Path) -> None:
    done = run("token", "laptop", home=empty_home)
    assert done.returncode == 0
    token, line = (part.partition(":")[2].strip() for part in done.stdout.splitlines())
    assert caller_of(TokenFile(written(tmp_path / "tokens", line)), token) == "laptop"
    assert len(token) >= len("terway_") + 43, "256 bits"
    assert run("token", "laptop", home=empty_home).stdout != done.stdout


def test_a_token_can_be_added_to_a_file_which_is_then_its_owners_only(empty_home: Path, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    made = {name: run("token", name, "--token-file", str(file), home=empty_home).stdout.strip() for name in ("a", "b")}
    assert file.stat().st_mode & 0o777 == 0o600
    assert {name: caller_of(TokenFile(file), token) for name, token in made.items()} == {"a": "a", "b": "b"}
    assert not any(token in file.read_text() for token in made.values())
    file.write_text(file.read_text().rstrip("\n"))
    added = run("token", "c", "--token-file", str(file), home=empty_home).stdout.strip()
    assert caller_of(TokenFile(file), added) == "c"


@pytest.mark.parametrize("name", ["", "a b", "local", "-", "a/b", "ä", "x" * 65, "a\nb"])
def test_a_name_that_could_not_stand_in_the_file_gets_no_token(name: str, empty_home: Path) -> None:
    done = run("token", "--", name, home=empty_home)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is no name for a client" in done.stderr


def test_a_token_is_not_added_to_a_file_that_could_not_be_used(empty_home: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "notes", "remember the milk\n")
    done = run("token", "laptop", "--token-file", str(file), home=empty_home)
    assert done.returncode == 1
    assert file.read_text() == "remember the milk\n"


def test_on_an_address_that_others_reach_clients_with_a_token_are_served(bundle: Path, tmp_path: Path) -> None:
    made, lines = clients("alice")
    file = written(tmp_path / "tokens", lines)
    options = ["--host", "0.0.0.0", "--token-file", str(file), "--allowed-host", "127.0.0.1"]  # noqa: S104 - with tokens
    with served("--bundle", str(bundle), *options, home=tmp_path) as server:
        assert post(server.url).status_code == 401
        assert post(server.url, made["alice"]).status_code == 200
        assert post(server.url, made["alice"], host="localhost").status_code == 421, "loopback names are not implied"
        assert httpx2.get(f"{server.root}/metrics").status_code == 404


def test_a_server_does_not_start_with_a_file_open_to_all(empty_home: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "tokens", A_LINE, 0o644)
    arguments = ["--port", str(free_port()), "--token-file", str(file)]
    done = run("serve", "--transport", "streamable-http", *arguments, home=empty_home)
    assert (done.returncode, done.stdout) == (1, "")
    assert "chmod 600" in done.stderr
