"""Where the pages are, and who may ask."""

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
    probe_deadline_ms: int = Field(2500, ge=100, description="milliseconds after which a part counts as not ready")

    @field_validator("api_token")
    @classmethod
    def _long_enough(cls, token: SecretStr) -> SecretStr:
        if 0 < len(token.get_secret_value()) < _TOKEN_LENGTH:
            raise ValueError(f"api_token 至少要 {_TOKEN_LENGTH} 个字符")
        return token
