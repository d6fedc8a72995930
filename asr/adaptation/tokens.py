"""Texts as the token rows that Whisper's decoder is trained on."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer


class Tokens:
    """Prompt, start, text, end."""

    def __init__(self, tokenizer_file: Path, language: str = "zh"):
        self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        special = self._special
        self._start = [special("<|startoftranscript|>"), special(f"<|{language}|>")]
        self._start += [special("<|transcribe|>"), special("<|notimestamps|>")]
        self.end = special("<|endoftext|>")

    def _special(self, name: str) -> int:
        token = self._tokenizer.token_to_id(name)
        if token is None:
            raise ValueError(f"the tokenizer has no {name}")
        return int(token)

    def prefix(self, prompt: str) -> list[int]:
        """What stands before the text; an empty prompt leaves the start alone."""
        if not prompt:
            return list(self._start)
        words = self._tokenizer.encode(prompt, add_special_tokens=False).ids
        return [self._special("<|startofprev|>"), *words, *self._start]

    def text(self, text: str) -> list[int]:
        """The text and its end."""
        return [*self._tokenizer.encode(text, add_special_tokens=False).ids, self.end]

    def read(self, ids: Sequence[int]) -> str:
        """The text of token numbers; special ones are left out."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))
