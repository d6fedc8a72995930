"""Where the pages are, and who may ask."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

_TOKEN_LENGTH = 24


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
    login_idle_s: int = Field(3600, ge=60, description="seconds without a request after which a login is over")
    login_longest_s: int = Field(43_200, ge=300, description="seconds after which a login is over in any case")
    lock_after_failures: int = Field(5, ge=3, le=20, description="wrong passwords in a row that lock an account")
    lock_s: int = Field(900, ge=60, description="seconds for which it stays locked")
    logins_per_minute: int = Field(20, ge=1, description="attempts to log in from one address, per minute")
    requests_per_minute: int = Field(600, ge=30, description="requests of one person or program, per minute")
    probe_deadline_ms: int = Field(2500, ge=100, description="milliseconds after which a part counts as not ready")

    @field_validator("api_token")
    @classmethod
    def _long_enough(cls, token: SecretStr) -> SecretStr:
        if 0 < len(token.get_secret_value()) < _TOKEN_LENGTH:
            raise ValueError(f"api_token 至少要 {_TOKEN_LENGTH} 个字符")
        return token
