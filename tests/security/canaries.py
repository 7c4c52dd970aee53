"""Every form in which a secret lies about, each with a canary of its own: what must never leave, in any encoding."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import quote, unquote

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
_UNPRINTABLE = bytes(range(32)) + b"\\\x7f"
_GLUE = str.maketrans("", "", " \"'")
_WINDOW = 10
"""A piece of a canary this long is a leak."""


class Form(NamedTuple):
    """One way a secret is written: `text` as it lies about, `secrets` the parts of it that are secret."""

    name: str
    text: str
    secrets: tuple[str, ...]


def letters(seed: str, length: int = 30) -> str:
    """As random-looking as an AccessKey secret, and always the same."""
    digits = b"".join(hashlib.sha256(f"{seed}/{part}".encode()).digest() for part in range(length // 32 + 1))
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digits[:length])


def key_id(seed: str) -> str:
    return f"LTAI5t{letters('id' + seed, 18)}"


def jwt(seed: str) -> str:
    header, claims = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "RS256"}, {"sub": letters("sub" + seed)})
    )
    return f"{header}.{claims}.{letters('sig' + seed, 43)}"


def pem(kind: str, body: str) -> str:
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"])


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wrapped(text: str) -> str:
    return base64.encodebytes(text.encode()).decode()


def _pair(kind: str, secret: str) -> str:
    return json.dumps({"access_key": key_id(kind), "access_secret": secret})


def _dockerconfig(kind: str, secret: str) -> str:
    return json.dumps({"auths": {"registry.example.com": {"username": "u", "auth": encoded(f"u:{secret}")}}})


def _pem_body(seed: str) -> str:
    return "MIIEowIBAAKCAQEA" + letters(seed, 180)


# Each takes the name of the form and its secret; what else is secret in it stands in `_ALSO`.
_TEXTS: dict[str, Callable[[str, str], str]] = {
    "json": _pair,
    "json-in-json": lambda n, s: json.dumps({"eni_conf": _pair(n, s)}),
    "json-thrice": lambda n, s: json.dumps({"annotation": json.dumps({"eni_conf": _pair(n, s)})}),
    "json-camel": lambda n, s: json.dumps({"accessKeyId": key_id(n), "accessKeySecret": s}),
    "json-credential": lambda n, s: json.dumps({"credential": s}),
    "json-unicode-escapes": lambda n, s: f'{{"u":"?AccessKeyId\\u003d{key_id(n)}\\u0026Signature\\u003d{s}\\u0026a"}}',
    "json-unicode-key": lambda n, s: f'{{"access\\u005fsecret":"{s}"}}',
    "json-cut-short": lambda n, s: f'{{"level":"info","access_secret":"{s}',
    "json-name-and-value": lambda n, s: json.dumps([{"name": "ACCESS_KEY_SECRET", "value": s}]),
    "python-dict": lambda n, s: str({"access_secret": s, "a": 1}),
    "yaml": lambda n, s: f"access_key: {key_id(n)}\naccess_secret: {s}\nmax_pool_size: 5",
    "yaml-quoted": lambda n, s: f"access_key: '{key_id(n)}'\naccess_secret: \"{s}\"",
    "yaml-block": lambda n, s: f"otelToken: |\n    {s}\nregion: x",
    "yaml-list": lambda n, s: f"tokens: x\ntoken:\n  - {s}\nregion: x",
    "yaml-in-json": lambda n, s: json.dumps({"ctrl-config.yaml": f"access_secret: {s}\nregionID: cn-hangzhou\n"}),
    "yaml-words": lambda n, s: f"password: open {s} sesame {letters(n + 'more')}",
    "yaml-name-and-value": lambda n, s: f"- name: REGISTRY_PASSWORD\n  value: {s}\n",
    "go-struct": lambda n, s: f"got config: &{{Version:1 AccessID:{key_id(n)} AccessSecret:{s} CredentialPath: }}",
    "go-struct-key-id": lambda n, s: f"{{AccessKeyID:{key_id(n)} AccessKeySecret:{s} SecurityToken:}}",
    "go-struct-empty-before": lambda n, s: f"{{AccessID: AccessSecret:{s} CredentialPath:}}",
    "go-syntax": lambda n, s: f'credentials.Config{{AccessKeySecret:"{s}", RoleName:""}}',
    "go-env-var": lambda n, s: f"&EnvVar{{Name:ACCESS_KEY_SECRET,Value:{s},ValueFrom:nil,}}",
    "go-header-map": lambda n, s: f"map[Authorization:[Bearer {s}] X-Acs-Security-Token:[{s}]]",
    "logfmt": lambda n, s: f'level=info accessKeySecret="{s} and more" vswitch=vsw-a',
    "environment": lambda n, s: f"ALIBABA_CLOUD_ACCESS_KEY_SECRET={s} PATH=/bin",
    "command-line": lambda n, s: f"terway --access-key-secret {s} --region x",
    "command-line-list": lambda n, s: json.dumps(["--config=/etc/eni", "--otel-token", s]),
    "shell-quotes": lambda n, s: f"password='{s[:15]}''{s[15:]}'",
    "signed-url": lambda n, s: f"https://ecs.aliyuncs.com/?AccessKeyId={key_id(n)}&Action=X&Signature={s}%3D&a=b",
    "signed-url-encoded": lambda n, s: quote(f"https://x/?AccessKeyId={key_id(n)}&Signature={s}=&Action=X", safe=""),
    "signed-url-encoded-twice": lambda n, s: quote(quote(f"?SecurityToken={s}&a=b", safe=""), safe=""),
    "signed-url-token": lambda n, s: f"http://sts.aliyuncs.com/?SecurityToken={s}&Action=X",
    "signed-url-oss": lambda n, s: f"https://b.oss.aliyuncs.com/k?OSSAccessKeyId={key_id(n)}&Expires=1&Signature={s}",
    "signed-url-oss-v4": lambda n, s: f"?x-oss-credential={s}%2F20260701&x-oss-signature={letters(n + 'v4')}",
    "json-percent-encoded": lambda n, s: quote(_pair(n, s), safe=""),
    "url-password": lambda n, s: f"Get https://admin:{s}@10.0.0.1:6443/api: EOF",
    "xml": lambda n, s: f"<AssumeRoleResponse><AccessKeySecret>{s}</AccessKeySecret></AssumeRoleResponse>",
    "xml-escaped": lambda n, s: f"&lt;SecurityToken&gt;{s}&lt;/SecurityToken&gt;",
    "html-escaped": lambda n, s: f"&quot;access_secret&quot;:&quot;{s}&quot;",
    "bearer": lambda n, s: f"Authorization: Bearer {s}",
    "bearer-alone": lambda n, s: f'request failed with header "Bearer {s}"',
    "bearer-encoded": lambda n, s: f"header=Bearer%20{s}",
    "basic": lambda n, s: f"Authorization: Basic {encoded('admin:' + s)}",
    "authorization-acs": lambda n, s: f"authorization: acs {key_id(n)}:{s}=",
    "authorization-acs3": lambda n, s: f"Authorization: ACS3-HMAC-SHA256 Credential={key_id(n)},Signature={s}",
    "header-token": lambda n, s: f"x-acs-security-token: {s}",
    "header-api-key": lambda n, s: f"X-Api-Key: {s}",
    "cookie": lambda n, s: f"Set-Cookie: session={s}; Path=/",
    "jwt": lambda n, s: f"got {jwt(n)} back",
    "jwt-json": lambda n, s: json.dumps({"id_token": jwt(n)}),
    "pem": lambda n, s: pem("RSA PRIVATE KEY", _pem_body(s)),
    "pem-escaped": lambda n, s: json.dumps({"tls.key": pem("PRIVATE KEY", _pem_body(s))}),
    "pem-openssh": lambda n, s: pem("OPENSSH PRIVATE KEY", letters(s, 150)),
    "pem-encrypted": lambda n, s: pem("ENCRYPTED PRIVATE KEY", _pem_body(s)),
    "pem-percent-encoded": lambda n, s: quote(pem("EC PRIVATE KEY", letters(s, 120))),
    "pem-without-end": lambda n, s: f"-----BEGIN PRIVATE KEY-----\n{s}",
    "pem-without-beginning": lambda n, s: f"{letters(n, 64)}\n{s}\n-----END RSA PRIVATE KEY-----",
    "der": lambda n, s: f"tls.key: {_pem_body(s)}",
    "access-key-id": lambda n, s: f"using key {key_id(n)} of the account",
    "sts-id": lambda n, s: f"sts STS.{s}",
    "sts-token": lambda n, s: f"got CAIS{letters(s, 120)} from the metadata service",
    "base64-json": lambda n, s: encoded(_pair(n, s)),
    "base64-yaml": lambda n, s: f"ctrl-secret.yaml: {encoded(f'accessKey: {key_id(n)}{chr(10)}accessSecret: {s}')}",
    "base64-url-safe": lambda n, s: base64.urlsafe_b64encode(f"token={s}?>~".encode()).decode(),
    "base64-access-key-id": lambda n, s: f"id {encoded(key_id(n))}",
    "base64-of-base64": lambda n, s: encoded(encoded(_pair(n, s))),
    "base64-behind-letters": lambda n, s: f"/x/{encoded(f'access_secret={s}')}",
    "base64-wrapped": lambda n, s: wrapped(json.dumps({"a": "b" * 40, "access_secret": s, "c": "d" * 20})),
    "base64-pem": lambda n, s: encoded(pem("RSA PRIVATE KEY", _pem_body(s))),
    "kubeconfig-key": lambda n, s: f"    client-key-data: {encoded(pem('RSA PRIVATE KEY', _pem_body(s)))}",
    "kubeconfig-token": lambda n, s: f"users:\n- name: admin\n  user:\n    token: {s}\n",
    "kubeconfig-password": lambda n, s: f"  user: {{username: admin, password: {s}}}",
    "docker-auths": _dockerconfig,
    "dockerconfigjson": lambda n, s: json.dumps({".dockerconfigjson": encoded(_dockerconfig(n, s))}),
    "npm-auth": lambda n, s: f"//registry.example.com/:_auth={s}",
    "diagnostic-message": lambda n, s: f"EncodedDiagnosticMessage: {s}",
    "key-split-by-zero-width": lambda n, s: f"acc\u200bess_se\u200dcr\u2060et={s}",
    "key-split-by-variation-selector": lambda n, s: f"tok\ufe0fen: {s}",
    "key-split-by-quotes": lambda n, s: f'"access"_"secret": "{s}"',
    "key-coloured": lambda n, s: f"access_secret\x1b[0m={s}",
    "key-coloured-escaped": lambda n, s: f'"access_secret\\u001b[0m=\\u001b[32m{s}"',
    "key-split-by-soft-hyphen-and-bidi": lambda n, s: f"pass\u00adwo\u202erd={s}",
    "value-split-by-zero-width": lambda n, s: f"access_secret={s[:12]}\u200b{s[12:]}",
    "value-with-comma": lambda n, s: f"DB_PASSWORD={s[:14]},{s[14:]} x=y",
}  # fmt: skip

_ALSO: dict[str, Callable[[str, str], tuple[str, ...]]] = {
    "yaml-words": lambda n, s: (s, letters(n + "more")),
    "signed-url-oss-v4": lambda n, s: (s, letters(n + "v4")),
    "jwt": lambda n, s: (letters("sig" + n, 43), letters("sub" + n)),
    "jwt-json": lambda n, s: (letters("sig" + n, 43), letters("sub" + n)),
    "pem": lambda n, s: (letters(s, 180),),
    "pem-escaped": lambda n, s: (letters(s, 180),),
    "pem-openssh": lambda n, s: (letters(s, 150),),
    "pem-encrypted": lambda n, s: (letters(s, 180),),
    "pem-percent-encoded": lambda n, s: (letters(s, 120),),
    "pem-without-beginning": lambda n, s: (s, letters(n, 64)),
    "der": lambda n, s: (letters(s, 180),),
    "access-key-id": lambda n, s: (),
    "sts-token": lambda n, s: (letters(s, 120),),
    "base64-access-key-id": lambda n, s: (),
    "base64-pem": lambda n, s: (letters(s, 180),),
    "kubeconfig-key": lambda n, s: (letters(s, 180),),
}


def _form(name: str) -> Form:
    secret = letters(name)
    text = _TEXTS[name](name, secret)
    secrets = (*_ALSO.get(name, lambda _n, s: (s,))(name, secret), key_id(name)[4:])
    if name.startswith(("base64", "docker", "kubeconfig-key")):
        # The first line of a wrapped code holds nothing yet.
        *_, code = (word for word in re.findall(r"[\w+/=-]+", text) if len(word) >= 30)
        secrets = (*secrets, code[24:])
    return Form(name, text, secrets)


FORMS: tuple[Form, ...] = tuple(map(_form, _TEXTS))
"""The table, in one place."""


def leaks(form: Form, said: str) -> list[str]:
    """Which pieces of the form's secrets are in what was said, in whatever encoding they left."""
    return [piece for piece in _pieces(form) if piece in said]


def readings(said: str) -> str:
    """What was said, and what it says once JSON, URLs and invisible characters have been undone, and backwards."""
    plain = unquote(unquote(said))
    bare = plain.replace("\\n", "").encode("ascii", "ignore").translate(None, _UNPRINTABLE).decode()
    return "\n".join((said, bare, bare.translate(_GLUE), bare[::-1]))


def _pieces(form: Form) -> Iterator[str]:
    for secret in form.secrets:
        yield from (secret[start : start + _WINDOW] for start in range(0, len(secret) - _WINDOW + 1, _WINDOW // 2))
        for before in ("", "x", "xx"):
            # The middle of the code does not depend on what stands before and behind the secret.
            code = encoded(before + secret)
            yield code[4:-4]
            yield code[4:-4].replace("+", "-").replace("/", "_")
