"""Where the record is kept, and for how long."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class StorageSettings(BaseModel):
    """The database, the recordings and their retention."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(
        "sqlite:///var/hotline.db",
        description="database URL: sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/NAME",
    )
    pool_size: int = Field(4, ge=1, le=64, description="database connections (and threads) of one process, PostgreSQL")
    max_pending: int = Field(
        500, ge=1, description="operations that may wait for the database; one more is refused at once"
    )
    deadline_ms: int = Field(
        1800,
        ge=100,
        le=10_000,
        description="milliseconds after which an operation fails instead of keeping a call waiting",
    )
    record_calls: bool = Field(True, description="keep a stereo WAV of every call (left the caller, right the bot)")
    recordings_folder: Path = Field(Path("var/recordings"), description="folder of the recordings")
    recordings_key_file: Path | None = Field(
        None, description="file of the keys that recordings are encrypted with (voicebot db recording-key); none: not"
    )
    keep_recordings_days: int = Field(180, ge=0, description="days before a recording is deleted; 0 keeps it")
    keep_transcripts_days: int = Field(
        730, ge=0, description="days before a call's turns, events, draft and numbers are erased; 0 keeps them"
    )
    keep_ticket_identity_days: int = Field(
        0, ge=0, description="days before the caller's name and phone are erased from a ticket; 0 keeps them"
    )
    worker_lost_after_s: int = Field(
        60, ge=10, description="seconds without a sign of life after which another machine's worker counts as dead"
    )
