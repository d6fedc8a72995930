"""npm's oidc-provider, a certified provider that is not ours, as the tests' identity provider."""

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest

_ROOT = Path(__file__).resolve().parents[2]
FOLDER = _ROOT / "var" / "peers"
CLIENT, SECRET = "hotline desk", "a secret: with/odd+signs%"  # both must be encoded on their way
PEOPLE: dict[str, dict[str, object]] = {
    "mei": {"preferred_username": "mei", "name": "梅朵", "roles": ["staff", "hotline-agents"], "phone": "8001"},
    "chief": {"preferred_username": "chief", "name": "张班长", "roles": ["hotline-leads", "hotline-agents"]},
    "guest": {"preferred_username": "guest", "name": "访客", "roles": ["staff"]},
}


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def oidc_provider(
    public_url: str,
    *,
    people: Mapping[str, Mapping[str, object]] = PEOPLE,
    algorithm: str = "RS256",
    way: str = "client_secret_basic",
    claims_in_token: bool = False,
) -> Iterator[str]:
    """The issuer, at which each of ``people`` logs in by name with any password; skips where it is not installed."""
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules/oidc-provider").is_dir():
        pytest.skip("no Node with oidc-provider (make peers)")
    settings = {
        "public_url": public_url,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "people": people,
        "algorithm": algorithm,
        "way": way,
        "claims_in_token": claims_in_token,
    }
    command = [node, str(Path(__file__).with_suffix(".mjs")), str(FOLDER), json.dumps(settings)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield f"http://localhost:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


_FORM = re.compile(r'<form[^>]*action="([^"]+)"(.*?)</form>', re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


async def log_in(http: aiohttp.ClientSession, door: str, name: str, until: str) -> str:
    """Go through the provider's pages as a browser would; the first address that begins with ``until``, unopened."""
    url, form = door, None
    for _ in range(20):
        method = "GET" if form is None else "POST"
        async with http.request(method, url, data=form, allow_redirects=False) as answer:
            page = await answer.text()
            if answer.status in (302, 303):
                url, form = urljoin(url, answer.headers["Location"]), None
                if url.startswith(until):
                    return url
                continue
        found = _FORM.search(page)
        assert found, page
        fields = dict(_HIDDEN.findall(found[2]))
        form = fields | ({"login": name, "password": "any"} if 'name="login"' in found[2] else {})
        url = urljoin(url, unescape(found[1]))
    raise AssertionError("the provider leads nowhere")
