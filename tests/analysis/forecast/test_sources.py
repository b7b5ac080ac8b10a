"""What goes in, as theory sees it: moments of posted batches against sums over all pairs of places and examples."""

from itertools import product

import numpy as np
import pytest

from service.analysis.forecast.signal import two_of
from service.analysis.forecast.sources import like, like_tokens

EXAMPLES = 4


def over_pairs(values: np.ndarray, left: int, right: int, two: bool) -> float:
    """Return the mean of products at two places, of one example or of two different ones."""
    rows = product(range(EXAMPLES), range(EXAMPLES))
    return float(np.mean([values[a, left] @ values[b, right] for a, b in rows if (a != b) == two]))


@pytest.mark.parametrize("places", [5, 300])
def test_moments_of_numbers_and_of_tokens_are_means_over_pairs(places: int) -> None:
    generator = np.random.default_rng(places)
    numbers = generator.normal(size=(EXAMPLES, places, 3)) + generator.normal(size=(places, 3))
    tokens = generator.integers(0, 6, (EXAMPLES, places))
    one_hot = np.eye(6)[tokens]
    for signal, values in ((like(numbers), numbers / 3**0.5), (like_tokens(tokens), one_hot)):
        for field, two in ((signal.same, False), (signal.cross, True)):
            if places == 5:
                exact = [[over_pairs(values, left, right, two) for right in range(5)] for left in range(5)]
                assert field == pytest.approx(np.array(exact))
                continue
            own = np.mean([over_pairs(values, place, place, two) for place in range(places)])
            total = [
                values[a].sum(axis=0) @ values[b].sum(axis=0)
                for a in range(EXAMPLES)
                for b in range(EXAMPLES)
                if (a != b) == two
            ]
            other = (np.mean(total) - own * places) / (places * (places - 1))
            assert two_of(field, (places,)) == pytest.approx((own, other))


def test_many_tokens_at_many_places_take_little_room() -> None:
    tokens = np.random.default_rng(1).integers(0, 50_000, (64, 256))
    signal = like_tokens(tokens)
    assert np.diag(signal.same) == pytest.approx(np.ones(256))
    assert signal.cosine < 0.01
