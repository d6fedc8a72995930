"""How many characters have to be changed to make one text the other."""


def edit_distance(spoken: str, written: str) -> int:
    """Fewest characters to replace, insert or delete (Levenshtein 1965)."""
    row = list(range(len(written) + 1))
    for at, character in enumerate(spoken, 1):
        diagonal, row[0] = row[0], at
        for to, other in enumerate(written, 1):
            diagonal, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, diagonal + (character != other))
    return row[-1]
