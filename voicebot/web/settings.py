"""Where the pages are, and who may ask."""

from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

_TOKEN_LENGTH = 24

RoleName = Literal["agent", "supervisor", "editor", "auditor", "administrator"]
"""The roles of `voicebot.storage.accounts.Role`; a test compares. Importing them would cost every command half a
second."""


class OidcSettings(BaseModel):
    """An OpenID Connect provider that people may log in with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(
        description="address of the provider as it names itself, e.g. https://sso.example.gov.cn/realms/city; https"
        " except on this machine"
    )
    client_id: str = Field(min_length=1, max_length=256, description="name under which the provider knows this service")
    client_secret: SecretStr = Field(SecretStr(""), description="its secret; empty: a public client, PKCE alone")
    public_url: str = Field(
        description="address of these pages as browsers see it, e.g. https://desk.example.gov.cn; the provider must"
        " know it with /login/oidc/callback and with /login"
    )
    title: str = Field(
        "统一身份认证", min_length=1, max_length=32, description="what the login page calls the provider"
    )
    scopes: tuple[str, ...] = Field(("openid", "profile"), description="what is asked for; openid must be among it")
    name_claim: str = Field(
        "preferred_username",
        min_length=1,
        description="claim that is the account's name (a-z 0-9 . _ -); people must not be able to choose it",
    )
    roles: dict[str, RoleName] = Field(
        default_factory=dict,
        description="roles by value of the role claim, the first that applies counts; empty: roles are given here",
    )
    role_claim: str = Field(
        "roles", min_length=1, description="claim with one value or a list; dots lead inwards, e.g. realm_access.roles"
    )
    skills_claim: str = Field("", description="claim with the skills, taken over at every login; empty: given here")
    extension_claim: str = Field("", description="claim with the extension, likewise")
    create_accounts: bool = Field(
        False,
        description="make an account when somebody unknown logs in; needs roles; else it must be there already",
    )
    local_login: Literal["everybody", "administrators"] = Field(
        "everybody", description="who may still log in with a password; administrators always may"
    )
    tls_authorities: Path | None = Field(
        None, description="PEM file of authorities that the provider's certificate is checked with; none: the system's"
    )
    timeout_s: float = Field(5, gt=0, le=30, description="longest wait for one answer of the provider, seconds")
    leeway_s: int = Field(60, ge=0, le=300, description="how far its clock may be off, seconds")

    @field_validator("issuer", "public_url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        if not is_safe(url):
            raise ValueError("应是 https 地址，只有本机可以用 http；不带 ? 和 #")
        return url

    @field_validator("public_url")
    @classmethod
    def _has_no_path(cls, url: str) -> str:
        if urlsplit(url).path not in ("", "/"):
            raise ValueError("不带路径，例如 https://desk.example.gov.cn")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("scopes 里要有 openid")
        if self.create_accounts and not self.roles:
            raise ValueError("create_accounts 需要 roles，否则不知道新账号是什么角色")
        return self


def is_safe(url: str) -> bool:
    """Whether a URL of a provider, or ours, is encrypted, or does not leave this machine."""
    parts = urlsplit(url)
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class WebSettings(BaseModel):
    """The HTTP server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0 for every network")
    port: int = Field(8080, ge=0, le=65535, description="TCP port; 0 takes a free one")
    api_token: SecretStr = Field(
        SecretStr(""), description="bearer token of the JSON API, 24 characters or more; empty keeps the API closed"
    )
    secure_cookie: Literal["auto", "always"] = Field(
        "auto", description="send the login cookie over HTTPS only: always (behind a TLS proxy), or auto: as it came"
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")),
        description="networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed",
    )
    login_idle_s: int = Field(3600, ge=60, description="seconds without a request after which a login is over")
    login_longest_s: int = Field(43_200, ge=300, description="seconds after which a login is over in any case")
    lock_after_failures: int = Field(5, ge=3, le=20, description="wrong passwords in a row that lock an account")
    lock_s: int = Field(900, ge=60, description="seconds for which it stays locked")
    logins_per_minute: int = Field(20, ge=1, description="attempts to log in from one address, per minute")
    requests_per_minute: int = Field(600, ge=30, description="requests of one person or program, per minute")
    probe_deadline_ms: int = Field(2500, ge=100, description="milliseconds after which a part counts as not ready")
    oidc: OidcSettings | None = Field(
        None, description="login with an OpenID Connect provider, see docs/desk.md; only when this section is there"
    )

    @field_validator("api_token")
    @classmethod
    def _long_enough(cls, token: SecretStr) -> SecretStr:
        if 0 < len(token.get_secret_value()) < _TOKEN_LENGTH:
            raise ValueError(f"api_token 至少要 {_TOKEN_LENGTH} 个字符")
        return token
