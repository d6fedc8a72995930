"""What an operator may set about turn-taking."""

from pydantic import BaseModel, ConfigDict, Field


class TurnSettings(BaseModel):
    """Turn-taking: begin, pause, end, interruption, silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_threshold: float = Field(0.5, ge=0, le=1, description="speech probability that begins or resumes speech")
    stop_threshold: float = Field(0.35, ge=0, le=1, description="speech probability below which a frame is silence")
    min_speech_ms: float = Field(80, ge=20, description="voiced sound that begins a turn, ms; a click is shorter")
    onset_lead_ms: float = Field(160, ge=0, description="how far before the first voiced frame a turn begins, ms")
    release_lag_ms: float = Field(100, ge=0, description="how long the detector goes on hearing a voice that ended, ms")
    pause_ms: float = Field(120, ge=20, description="silence after which recognition starts on speculation, ms")
    lull_db: float = Field(
        30, gt=0, description="fall of the level below the loudest of the turn at which recognition starts early, dB"
    )
    lull_ms: float = Field(60, ge=20, description="how long it has to last, ms; an idle recogniser only")
    resume_ms: float = Field(60, ge=20, description="voiced sound that ends a pause, ms")
    min_wait_ms: float = Field(200, ge=100, description="shortest silence that ends a turn, ms")
    max_wait_ms: float = Field(1200, ge=200, description="longest silence that a turn survives, ms")
    wait_ms: float = Field(650, ge=100, description="silence that ends an answer to an open question, ms")
    wait_yes_no_ms: float = Field(300, ge=100, description="silence that ends a yes or no, ms")
    wait_rating_ms: float = Field(300, ge=100, description="silence that ends a rating, ms")
    wait_digits_ms: float = Field(800, ge=100, description="silence that ends a row of digits, ms")
    wait_address_ms: float = Field(700, ge=100, description="silence that ends an address, ms")
    wait_name_ms: float = Field(450, ge=100, description="silence that ends a name, ms")
    wait_time_ms: float = Field(500, ge=100, description="silence that ends a time, ms")
    complete_factor: float = Field(0.45, gt=0, description="the wait is multiplied by this when the words are complete")
    unfinished_factor: float = Field(1.8, gt=0, description="the wait is multiplied by this when they are not")
    max_turn_ms: float = Field(60_000, ge=1000, description="a turn without a pause is ended after this, ms")

    duck_ms: float = Field(100, ge=20, description="caller's voice during the bot's that holds the bot, ms")
    interrupt_ms: float = Field(1500, ge=40, description="caller's voice that interrupts before words are known, ms")
    interrupt_confidence: float = Field(
        0.4, ge=0, le=1, description="mean character probability from which words said over the bot count as words"
    )
    interrupt_confidence_short: float = Field(
        0.5, ge=0, le=1, description="the same for less than a second of voice that does not ask for the floor"
    )
    release_ms: float = Field(300, ge=40, description="silence after which the bot goes on where it was held, ms")
    release_without_words_ms: float = Field(
        800, ge=40, description="longest silence in which a held bot waits for the words, ms"
    )

    first_silence_ms: float = Field(3000, ge=500, description="silence before the dialog is told of it, ms")
    silence_step_ms: float = Field(1000, ge=100, description="how often it is told again, ms")
