"""The server as an OAuth resource server: which access tokens it believes, and where its keys come from."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from terway_mcp.cluster.errors import CredentialsError, InvalidInput
from terway_mcp.server.http import key_set
from terway_mcp.server.http.key_set import KeyFile, KeyUrl
from terway_mcp.server.http.oauth import JwtVerifier
from tests.server.http.callers import calling, clients, post
from tests.server.http.issuer import RESOURCE, SCOPE, Issuer, forged, issuing
from tests.server.processes import Served, free_port, run, served

NODE = "cn-hangzhou.10.0.1.21"


class Setup(NamedTuple):
    """A server that believes an issuer, and knows one client by its own token."""

    server: Served
    issuer: Issuer
    robot: str
    audit: Path


@pytest.fixture(scope="module")
def setup(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    home = tmp_path_factory.mktemp("oauth")
    tokens, lines = clients("robot")
    (home / "tokens").touch(0o600)
    (home / "tokens").write_text(lines)
    with issuing() as issuer:
        options = ["--bundle", str(bundle), "--token-file", str(home / "tokens"), "--audit", str(home / "audit")]
        options += ["--oauth-issuer", issuer.name, "--oauth-resource", RESOURCE, "--oauth-scope", SCOPE]
        with served(*options, "--oauth-jwks", f"{issuer.api.url}/keys", home=home) as server:
            yield Setup(server, issuer, tokens["robot"], home / "audit")


def test_a_client_without_a_token_is_told_where_to_get_one(setup: Setup) -> None:
    refused = post(setup.server.url)
    assert refused.status_code == 401
    place = "https://mcp.test/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{place}"' in refused.headers["www-authenticate"]
    told = httpx2.get(setup.server.root + place.removeprefix("https://mcp.test")).json()
    assert told["resource"] == RESOURCE
    assert told["authorization_servers"] == [setup.issuer.name]
    assert told["scopes_supported"] == [SCOPE]


def test_tokens_of_the_issuer_and_of_the_token_file_are_accepted(setup: Setup) -> None:
    assert post(setup.server.url, setup.issuer.token()).status_code == 200
    assert post(setup.server.url, setup.robot).status_code == 200
    assert post(setup.server.url, setup.issuer.token(), host="mcp.test").status_code == 200, "its public name is known"


def test_a_token_without_the_scope_is_told_which_one_is_missing(setup: Setup) -> None:
    answer = post(setup.server.url, setup.issuer.token(scope="other"))
    assert answer.status_code == 403
    assert SCOPE in answer.headers["www-authenticate"]


def test_a_new_key_is_accepted_once_the_issuer_publishes_it(setup: Setup) -> None:
    assert post(setup.server.url, setup.issuer.token()).status_code == 200
    before = len(setup.issuer.api.requests)
    made_up = [post(setup.server.url, setup.issuer.token(header={"kid": f"unknown-{n}"})).status_code for n in range(5)]
    assert made_up == [401] * 5
    assert len(setup.issuer.api.requests) - before <= 1, "made-up keys do not make the server ask for each"


@pytest.mark.anyio
async def test_callers_are_told_apart_by_client_and_subject_however_they_are_named(setup: Setup) -> None:
    names = [("a/b", "c"), ("a", "b/c"), ("a", "c"), ("robot", "c"), ("a%2Fb", "c")]
    tokens = [setup.issuer.token(client_id=client, sub=subject) for client, subject in names]
    async with calling(setup.server.url, tokens[0]) as owner:
        investigation = await owner.opened()
        for token in (*tokens[1:], setup.robot):
            async with calling(setup.server.url, token) as other:
                answer = await other.call("inspect_node", investigation=investigation, node=NODE)
                assert answer["status"] == "unknown_investigation"
        assert (await owner.call("inspect_node", investigation=investigation, node=NODE))["status"] == "ok"
    callers = {json.loads(line)["caller"] for line in setup.audit.read_text().splitlines()}
    assert "https%3A%2F%2Fissuer.test/a%2Fb/c" in callers
    assert "robot" in callers


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as found:
        found.add("second", rsa.generate_private_key(65537, 2048))
        found.add("curve", ec.generate_private_key(ec.SECP256R1()))
        found.add("edwards", ed25519.Ed25519PrivateKey.generate())
        yield found


@pytest.fixture(scope="module")
def verifier(issuer: Issuer) -> JwtVerifier:
    return JwtVerifier(issuer.name, RESOURCE, KeyUrl(f"{issuer.api.url}/keys"))


def believed(verifier: JwtVerifier, token: str) -> bool:
    return anyio.run(verifier.verify_token, token) is not None


@pytest.mark.parametrize(
    ("kid", "algorithm"),
    [("first", "RS256"), ("second", "RS512"), ("first", "PS256"), ("curve", "ES256"), ("edwards", "EdDSA")],
)
def test_public_key_signatures_are_believed(verifier: JwtVerifier, issuer: Issuer, kid: str, algorithm: str) -> None:
    assert believed(verifier, issuer.token(kid, algorithm))


def test_what_a_token_says_of_its_owner_is_kept(verifier: JwtVerifier, issuer: Issuer) -> None:
    found = anyio.run(verifier.verify_token, issuer.token(client_id=None, azp="app", scope=None, scp=["a", "b"]))
    assert found is not None
    assert (found.client_id, found.subject, found.scopes, found.resource) == ("app", "user-1", ["a", "b"], RESOURCE)
    assert found.token == "", "the token itself is not kept"


NOW = int(time.time())
TOMORROW = NOW + 86_400
"""Still to come when the test runs, however long the tests before it took."""
REFUSED: dict[str, dict[str, Any]] = {
    "expired": {"exp": NOW - 60},
    "not valid yet": {"nbf": TOMORROW},
    "issued in the future": {"iat": TOMORROW},
    "of another issuer": {"iss": "https://evil.test"},
    "for another resource": {"aud": "https://other.test/mcp"},
    "for nobody": {"aud": None},
    "for ever": {"exp": None},
    "of nobody": {"sub": None},
    "of many issuers": {"iss": ["https://issuer.test"]},
    "with a time that is none": {"exp": "tomorrow"},
    "that ends at infinity": {"exp": float("inf")},
    "with a subject that is none": {"sub": {"name": "user-1"}},
    "of another kind": {"header": {"typ": "logout+jwt"}},
    "with a demand nobody knows": {"header": {"crit": ["b64"], "b64": True}},
    "signed by another key": {"header": {"kid": "second"}},
    "signed by an unknown key": {"header": {"kid": "nobody's"}},
}


@pytest.mark.parametrize("how", REFUSED)
def test_a_token_is_refused_that_is(how: str, verifier: JwtVerifier, issuer: Issuer) -> None:
    assert not believed(verifier, issuer.token(**REFUSED[how]))


def test_clocks_may_differ_a_little(verifier: JwtVerifier, issuer: Issuer) -> None:
    assert believed(verifier, issuer.token(exp=NOW - 5 + int(time.time()) - NOW, nbf=int(time.time()) + 10))


def test_a_resource_may_be_one_of_several_audiences_with_or_without_a_slash(
    verifier: JwtVerifier, issuer: Issuer
) -> None:
    assert believed(verifier, issuer.token(aud=["https://other.test", RESOURCE]))
    assert believed(verifier, issuer.token(aud=f"{RESOURCE}/"))
    assert not believed(verifier, issuer.token(aud=f"{RESOURCE}x"))


def claims() -> dict[str, Any]:
    return {"iss": "https://issuer.test", "aud": RESOURCE, "sub": "user-1", "exp": int(time.time()) + 300}


def test_no_signature_is_no_signature(verifier: JwtVerifier) -> None:
    for algorithm in ("none", "None", "NONE", "", None, ["RS256"], 1):
        assert not believed(verifier, forged({"alg": algorithm, "kid": "first", "typ": "at+jwt"}, claims()))


@pytest.mark.parametrize("algorithm", ["HS256", "RS256"])
def test_a_public_key_is_no_shared_secret(verifier: JwtVerifier, issuer: Issuer, algorithm: str) -> None:
    unsigned = forged({"alg": algorithm, "kid": "first", "typ": "at+jwt"}, claims()).rstrip(".")
    for secret in (issuer.pem("first"), issuer.pem("first").strip(), b""):
        signature = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
        token = unsigned + "." + forged({}, {}, signature).rpartition(".")[2]
        assert not believed(verifier, token)


def test_a_key_in_the_token_itself_is_not_used(verifier: JwtVerifier) -> None:
    own = rsa.generate_private_key(65537, 2048)
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key(), as_dict=True)
    for header in ({"jwk": jwk}, {"jku": "https://evil.test/keys"}, {"x5u": "https://evil.test/cert"}):
        assert not believed(verifier, jwt.encode(claims(), own, "RS256", headers={"kid": "first", **header}))


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b.c", "eyJ.eyJ.x", "e" * 20_000, forged({"alg": "RS256", "kid": 7}, {}), "[" * 9000]
)
def test_what_is_no_token_at_all_is_refused_quietly(text: str, verifier: JwtVerifier) -> None:
    assert not believed(verifier, text)


def test_nesting_without_end_is_refused_quietly(verifier: JwtVerifier) -> None:
    nested: Any = {}
    for _ in range(800):
        nested = [nested]
    assert not believed(verifier, forged({"alg": "RS256", "kid": "first", "x": nested}, claims()))


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_keys_are_asked_for_when_needed_and_not_more_often(issuer: Issuer) -> None:
    clock = Clock()
    keys = KeyUrl(f"{issuer.api.url}/keys", clock=clock)
    begun = len(issuer.api.requests)

    def asked_for(kid: str) -> tuple[bool, int]:
        found = anyio.run(keys.key, kid) is not None
        return found, len(issuer.api.requests) - begun

    assert asked_for("first") == (True, 1)
    assert asked_for("first") == (True, 1), "they are kept"
    assert asked_for("late") == (False, 1), "they were fetched a moment ago"
    issuer.add("late", ec.generate_private_key(ec.SECP256R1()))
    clock.now += 31
    assert asked_for("late") == (True, 2), "an unknown key makes them be fetched again"
    issuer.withdraw("late")
    clock.now += 599
    assert asked_for("late") == (True, 2)
    clock.now += 2
    assert asked_for("late") == (False, 3), "a withdrawn key is forgotten after a while"
    issuer.down = True
    try:
        clock.now += 601
        assert asked_for("first") == (True, 4), "an issuer that is down does not lock anybody out"
    finally:
        issuer.down = False


@pytest.mark.anyio
async def test_requests_that_need_keys_at_the_same_time_share_one_fetch(issuer: Issuer) -> None:
    keys = KeyUrl(f"{issuer.api.url}/keys")
    begun, found = len(issuer.api.requests), []

    async def ask() -> None:
        found.append(await keys.key("first"))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)
    assert len(found) == 20
    assert None not in found
    assert len(issuer.api.requests) == begun + 1


@pytest.mark.parametrize("url", ["http://issuer.test/keys", "ftp://127.0.0.1/keys", "file:///etc/keys"])
def test_keys_are_taken_only_from_where_nobody_can_put_others(url: str) -> None:
    with pytest.raises(InvalidInput, match="only https is believed"):
        KeyUrl(url)


BAD_SETS: dict[str, Callable[[dict[str, Any]], str]] = {
    "not JSON": lambda _: "<html>",
    "there is no list of keys": lambda _: '{"keys": "none"}',
    "there is no public signature key": lambda key: json.dumps({"keys": [{**key, "use": "enc"}]}),
    "it holds a private or shared key": lambda key: json.dumps({"keys": [key, {"kty": "oct", "k": "c2VjcmV0"}]}),
    "holds a private": lambda key: json.dumps({"keys": [{**key, "d": "AQAB"}]}),
}


@pytest.mark.parametrize("said", BAD_SETS)
def test_a_file_that_is_no_set_of_public_keys_is_refused(said: str, issuer: Issuer, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(BAD_SETS[said](issuer.key_set()["keys"][0]))
    with pytest.raises(CredentialsError, match=said):
        KeyFile(tmp_path / "keys.json")


def test_a_key_set_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(b'{"keys": "\xff"}')
    with pytest.raises(CredentialsError, match="not JSON"):
        KeyFile(tmp_path / "keys.json")


def test_keys_may_come_from_a_file_that_changes(issuer: Issuer, tmp_path: Path) -> None:
    first, second, *_ = issuer.key_set()["keys"]
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [first]}))
    verifier = JwtVerifier(issuer.name, RESOURCE, KeyFile(file))

    def both() -> list[bool]:
        return [believed(verifier, issuer.token(kid)) for kid in ("first", "second")]

    assert both() == [True, False]
    file.write_text(json.dumps({"keys": [first, second]}))
    assert both() == [True, True]
    file.write_text("half")
    assert both() == [True, True]
    file.write_text(json.dumps({"keys": [second]}))
    assert both() == [False, True]


def test_a_key_says_itself_what_it_may_sign(issuer: Issuer, tmp_path: Path) -> None:
    key = {**issuer.key_set()["keys"][0], "alg": "RS256"}
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key]}))
    verifier = JwtVerifier(issuer.name, RESOURCE, KeyFile(tmp_path / "keys.json"))
    assert believed(verifier, issuer.token(algorithm="RS256"))
    assert not believed(verifier, issuer.token(algorithm="PS256"))


def test_a_short_key_is_not_believed(tmp_path: Path) -> None:
    issuer = Issuer()
    issuer.add("short", rsa.generate_private_key(65537, 1024))  # noqa: S505 - that is the point
    (tmp_path / "keys.json").write_text(json.dumps(issuer.key_set()))
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        token = issuer.token("short")
    assert not believed(JwtVerifier(issuer.name, RESOURCE, KeyFile(tmp_path / "keys.json")), token)


def test_a_key_set_that_is_endless_is_given_up(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_set, "_MOST_BYTES", 100)
    with pytest.raises(CredentialsError, match="no keys yet"):
        anyio.run(KeyUrl(f"{issuer.api.url}/keys").check)


def test_a_server_does_not_start_on_an_issuer_without_tls(empty_home: Path) -> None:
    arguments = ["--oauth-issuer", "http://issuer.test", "--oauth-resource", RESOURCE, "--oauth-jwks", "keys.json"]
    done = run("serve", "--transport", "streamable-http", "--port", str(free_port()), *arguments, home=empty_home)
    assert done.returncode == 1
    assert "--oauth-issuer must be an https URL" in done.stderr
