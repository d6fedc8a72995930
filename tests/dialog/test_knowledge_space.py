"""The space of meanings: manner is taken out, matter stays."""

import numpy as np

from dialog.knowledge.space import MeaningSpace

SIZE = 12


def _groups(chance: np.random.Generator) -> list[np.ndarray]:
    """Four matters along four axes, each asked in twenty manners that differ much more, along the other axes."""
    groups = []
    for matter in range(4):
        vectors = np.zeros((20, SIZE), dtype=np.float32)
        vectors[:, matter] = 0.4
        vectors[:, 4:] = chance.normal(0, 0.5, (20, SIZE - 4))
        groups.append(vectors)
    return groups


def test_the_same_matter_in_another_manner_comes_nearer_than_another_matter_in_the_same() -> None:
    chance = np.random.default_rng(0)
    groups = _groups(chance)
    everything = np.vstack(groups)
    space = MeaningSpace(groups, everything)
    asked, other = groups[0][0].copy(), groups[0][0].copy()
    asked[4:] = chance.normal(0, 0.5, SIZE - 4)
    other[0], other[1] = 0.0, 0.4
    before = everything[0] @ asked - everything[0] @ other
    placed = space.place(np.stack([everything[0], asked, other]))
    assert before < 0
    assert placed[0] @ placed[1] > placed[0] @ placed[2]
    assert np.allclose(np.linalg.norm(placed, axis=1), 1.0, atol=1e-4)


def test_a_city_with_a_handful_of_questions_keeps_the_angles_around_the_middle() -> None:
    chance = np.random.default_rng(1)
    vectors = chance.normal(0, 1, (6, SIZE)).astype(np.float32)
    space = MeaningSpace([vectors[:3]], vectors)
    middle = vectors - vectors.mean(axis=0)
    expected = middle / np.linalg.norm(middle, axis=1, keepdims=True)
    assert np.allclose(space.place(vectors), expected, atol=1e-4)
    assert space.place(vectors[0]).shape == (SIZE,)
