"""What can go wrong, as one tree.

    HotlineError
    ├── ConfigurationError     a setting, a city file, a model: the operator must act
    │   ├── CityError          a city's data, with file and line
    │   └── ModelError         a model is missing or damaged
    ├── LineError              telephone line, port, codec, transfer
    ├── RecognitionError       speech to text
    ├── SynthesisError         text to speech
    ├── DialogError            understanding, knowledge, routing
    ├── StorageError           database, recordings
    ├── SignInError            a login with the identity provider
    └── OverloadError          a bounded queue is full; nothing was lost, nothing was taken

Every error knows the stage it belongs to, a stable code, whether trying again can help, and a
remedy: one sentence that tells the operator what to do.
"""


class HotlineError(Exception):
    """Base of every error that the product raises on purpose."""

    stage = "service"
    retryable = False

    def __init__(self, message: str, *, code: str, remedy: str = "", retryable: bool | None = None):
        super().__init__(message)
        self.code = code
        self.remedy = remedy
        if retryable is not None:
            self.retryable = retryable

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message} {self.remedy}" if self.remedy else message


class ConfigurationError(HotlineError):
    """A setting cannot be used."""

    stage = "configuration"


class CityError(ConfigurationError):
    """A city's data is wrong; ``problems`` holds one ``file:line: what`` sentence for each."""

    def __init__(self, problems: tuple[str, ...], *, remedy: str = ""):
        super().__init__("\n".join(problems), code="city_invalid", remedy=remedy)
        self.problems = problems


class ModelError(ConfigurationError):
    """A model is missing, damaged or of the wrong kind."""

    stage = "models"


class LineError(HotlineError):
    """The telephone line, its port, codec or a transfer failed."""

    stage = "line"


class RecognitionError(HotlineError):
    """Speech could not be turned into text."""

    stage = "recognition"
    retryable = True


class SynthesisError(HotlineError):
    """Text could not be turned into speech."""

    stage = "synthesis"
    retryable = True


class DialogError(HotlineError):
    """Understanding, knowledge or routing failed."""

    stage = "dialog"


class StorageError(HotlineError):
    """The database or the file system refused."""

    stage = "storage"
    retryable = True


class SignInError(HotlineError):
    """Somebody could not be logged in with the identity provider.

    ``reason`` is a fixed word for the log, ``account`` the account in question, "" when that is not known.
    """

    stage = "sign_in"

    def __init__(self, message: str, *, code: str, remedy: str, reason: str = "", account: str = ""):
        super().__init__(message, code=code, remedy=remedy)
        self.reason = reason
        self.account = account


class OverloadError(HotlineError):
    """A bounded queue is full."""

    stage = "overload"
    retryable = True
