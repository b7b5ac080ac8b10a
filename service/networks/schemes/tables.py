"""Schemes that compute an array by formula: filters, position tables, state-space matrices."""

import math
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from math import prod
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from service import stopping
from service.networks.description import LARGEST, Positive, Size
from service.networks.schemes.scheme import Scheme
from service.networks.site import Site
from service.stream.chance import Chance
from service.stream.distributions import Distribution, Normal
from service.stream.elementary import log, power, sine_and_cosine
from service.stream.gaussian import slice_between
from service.stream.matrices import Computed

Doubles = NDArray[np.float64]
TWO_PI = 2.0 * math.pi
LONGEST_FRAME = 2**16
WORK = 1500  # operations an element of a sine table takes, about
PLACED = 400  # and one that is put in its place
ROWS = 256  # of a matrix between two looks at whether anybody still waits


def tabulated(values: Doubles, identity: tuple[Any, ...]) -> Computed:
    """Return a small array, computed already, with its own moments."""
    low, high = float(values.min()), float(values.max())
    return Computed(
        (float(values.mean()), float(values.std()), low, high), identity, values.size, lambda chance: values
    )


class Stft(Scheme):
    """The kernel of a short-time Fourier transform: a windowed cosine or sine a frequency."""

    family = "stft"
    formula = "cos or sin(−2π t f / F) window(t) / scale, shape (T, 1, F / 2 + 1)"
    references = ("keras.initializers.STFT",)
    side: Literal["real", "imag"] = Field("real", description="Cosines or sines.")
    window: Literal["hann", "hamming"] | None = Field("hann", description="What the waves are multiplied by.")
    scaling: Literal["density", "spectrum"] | None = Field(
        "density", description="Whether the window is over √Σ window², over Σ |window|, or as it is."
    )
    periodic: bool = Field(False, description="Whether the window is one of a period, or symmetric.")

    def realise(self, site: Site) -> Distribution:
        if len(site.shape) != 3 or site.shape[1] != 1 or site.shape[2] < 2 or site.shape[0] > LONGEST_FRAME:
            raise self.refuse(f"three axes (frame, at most {LONGEST_FRAME:,}; 1; frequencies)", site)
        frame, _, bins = site.shape

        def make(chance: Chance) -> Doubles:
            length = 2 * (bins - 1)
            turns = (np.arange(frame)[:, None] * np.arange(bins)[None, :]) % length
            sines, cosines = sine_and_cosine(-TWO_PI * turns / length)
            waves = cosines if self.side == "real" else sines
            return (waves * self._window(frame)[:, None]).reshape(site.shape)

        identity = ("stft", site.shape, self.side, self.window, self.scaling, self.periodic)
        return Computed(self._moments(frame, bins), identity, WORK * site.elements, make)

    def _moments(self, frame: int, bins: int) -> tuple[float, float, float, float]:
        """Return mean, deviation and bounds: sums over frequencies of waves of whole turns have closed forms."""
        window, length = self._window(frame), 2 * (bins - 1)
        times = np.arange(frame)
        cosines = sum_of_cosines(times, length)
        if self.side == "real":
            sums, squares = cosines, (bins + sum_of_cosines(2 * times, length)) / 2.0
        else:
            sines, cosine = sine_and_cosine(math.pi * times / length)
            odd = times % 2 == 1
            sums = np.where(odd, -cosine / np.where(odd, sines, 1.0), 0.0)
            squares = (bins - sum_of_cosines(2 * times, length)) / 2.0
        count, largest = frame * bins, float(np.abs(window).max())
        mean = math.fsum(window * sums) / count
        square = math.fsum(window * window * squares) / count
        return mean, math.sqrt(max(square - mean * mean, 0.0)), -largest, largest

    def _window(self, frame: int) -> Doubles:
        """Return the window over its scale; without one nothing is scaled, as in Keras."""
        if self.window is None or frame == 1:
            return np.ones(frame)
        period = frame if self.periodic else frame - 1
        _, cosine = sine_and_cosine(TWO_PI * np.arange(frame) / period)
        first = 0.5 if self.window == "hann" else 0.54
        window = first - (1.0 - first) * cosine
        if self.scaling == "density":
            return window / math.sqrt(math.fsum(window**2))
        return window / math.fsum(np.abs(window)) if self.scaling == "spectrum" else window


def sum_of_cosines(times: NDArray[np.int64], length: int) -> Doubles:
    """Return the sums of cos(2π t f / length) over f = 0 … length / 2."""
    return np.where(times % length == 0, length / 2.0 + 1.0, np.where(times % 2 == 0, 1.0, 0.0))


class BilinearUpsampling(Scheme):
    """The kernel of a transposed convolution that enlarges linearly."""

    family = "bilinear"
    formula = "Π (1 − |x / f − c|), f = ⌈k / 2⌉, c = (2f − 1 − f mod 2) / 2f, where channels agree"
    references = ("Long et al. 2015",)
    pairs: Literal["diagonal", "all"] = Field(
        "diagonal", description="Each channel to itself; or to every one of its group, as Caffe and MXNet have it."
    )

    def realise(self, site: Site) -> Distribution:
        if not 1 <= len(site.field) <= 3 or max(site.field) > 4096:
            raise self.refuse("a convolution's three to five axes, its field at most 4,096 wide", site)
        stack, ramps = site.kernels, [ramp(size) for size in site.field]

        def make(chance: Chance) -> Doubles:
            kernel = np.ones(())
            for one in ramps:
                kernel = kernel[..., None] * one
            sizes = (site.inputs, site.outputs)
            pairs = np.eye(*sizes) if self.pairs == "diagonal" else np.ones(sizes)
            matrix = (kernel[..., None, None] * pairs).reshape(stack.rows, stack.columns)
            return stack.array(np.broadcast_to(matrix, (stack.count, *matrix.shape)))

        share = 1.0 / max(site.inputs, site.outputs) if self.pairs == "diagonal" else 1.0
        mean = share * prod(float(one.mean()) for one in ramps)
        square = share * prod(float((one**2).mean()) for one in ramps)
        high = prod(float(one.max()) for one in ramps)
        low = 0.0 if share < 1.0 else prod(float(one.min()) for one in ramps)
        deviation = math.sqrt(max(square - mean * mean, 0.0))
        return Computed((mean, deviation, low, high), ("bilinear", site.axes, self.pairs), PLACED * site.elements, make)


def ramp(size: int) -> Doubles:
    half = (size + 1) // 2
    centre = (2 * half - 1 - half % 2) / (2.0 * half)
    return 1.0 - np.abs(np.arange(size) / half - centre)


class Icnr(Scheme):
    """Weights before a pixel shuffle: the upscale² outputs of one pixel begin alike, without a chequerboard."""

    family = "icnr"
    formula = "He normal of (…, in, out / upscale²), each output repeated upscale² times"
    references = ("Aitken et al. 2017",)
    upscale: Annotated[Size, Field(le=64)] = Field(2, description="Factor by which the shuffle enlarges each side.")
    scale: Positive = Field(2.0, description="Variance times fan_in.")

    def realise(self, site: Site) -> Distribution:
        copies = self.upscale**2
        if len(site.shape) < 2 or site.outputs % copies:
            raise self.refuse(f"a multiple of {copies} outputs", site)
        deviation = math.sqrt(self.scale / max(1, site.fans.fan_in))
        normal = Normal(0.0, deviation / slice_between(-2.0, 2.0).deviation, -2.0, 2.0)
        stack = site.kernels

        def make(chance: Chance) -> Doubles:
            values = stack.matrices(chance.values(normal, stack.elements))
            return stack.array(np.repeat(values[..., ::copies], copies, axis=-1))

        low, high = normal.low, normal.high
        return Computed((0.0, deviation, low, high), ("icnr",), PLACED * site.elements, make, by_chance=True)


def inverse_frequencies(count: int, span: int, base: float) -> Doubles:
    """Return base^(−2i / span) for i = 0 … count − 1."""
    return power(base, [Decimal(-2 * i) / Decimal(span) for i in range(count)])


# Below 1 wavelengths shrink, and angles soon have no digits left.
Base: TypeAlias = Annotated[float, Field(ge=1.0, le=LARGEST)]


class RotaryTable(Scheme):
    """Cosines or sines of rotary position embeddings: (positions, width), both halves alike."""

    family = "rope"
    formula = "cos or sin(position base^(−2i / width)), i = column mod (width / 2)"
    references = ("Su et al. 2021",)
    part: Literal["cos", "sin"] = Field("cos", description="Cosines or sines.")
    base: Base = Field(10000.0, description="Longest wavelength, over 2π; 1 or more.")

    def realise(self, site: Site) -> Distribution:
        return waves(self, site, self.base, lambda sines, cosines: np.tile(sines if self.part == "sin" else cosines, 2))


class SinusoidalTable(Scheme):
    """Sines and cosines of positions: (positions, width)."""

    family = "sinusoidal"
    formula = "sin(position base^(−2i / width)) in column 2i, cos in column 2i + 1; or halves, over width − 2"
    references = ("Vaswani et al. 2017",)
    base: Base = Field(10000.0, description="Longest wavelength, over 2π; 1 or more.")
    order: Literal["interleaved", "halves"] = Field(
        "interleaved",
        description="Sines and cosines in turn; or all sines, then all cosines, the last of either of the longest "
        "wavelength itself, as in Tensor2Tensor and Whisper.",
    )

    def realise(self, site: Site) -> Distribution:
        def weave(sines: Doubles, cosines: Doubles) -> Doubles:
            if self.order == "halves":
                return np.concatenate([sines, cosines], axis=-1)
            return np.stack([sines, cosines], axis=-1).reshape(sines.shape[0], -1)

        return waves(self, site, self.base, weave, 2 if self.order == "halves" else 0)


def waves(
    scheme: Scheme, site: Site, base: float, weave: Callable[[Doubles, Doubles], Doubles], short: int = 0
) -> Computed:
    """Return a table of positions: `weave` makes its rows of the sines and cosines (positions, width / 2).

    Wavelengths go by i / (width − `short`).
    """
    if len(site.shape) != 2 or site.shape[1] % 2 or site.shape[0] > 2**20 or site.shape[1] > 2**14:
        raise scheme.refuse("(positions, an even width), at most 1,048,576 by 16,384", site)
    positions, width = site.shape
    span = max(width - short, 1)

    def make(chance: Chance) -> Doubles:
        angles = np.arange(positions)[:, None] * inverse_frequencies(width // 2, span, base)[None, :]
        return weave(*sine_and_cosine(angles))

    # Means and mean squares of a column by closed forms: cos² x = (1 + cos 2x) / 2.
    (ratio,) = power(base, [Decimal(-2) / Decimal(span)])
    steps = np.cumprod(np.concatenate([[1.0], np.full(width // 2 - 1, ratio)]))  # near enough, and at once
    sines, cosines = sums_of_waves(positions, steps)
    _, double = sums_of_waves(positions, 2.0 * steps)
    mean = math.fsum(weave(sines[None], cosines[None]).ravel()) / site.elements
    squares = weave((positions - double)[None] / 2.0, (positions + double)[None] / 2.0)
    square = math.fsum(squares.ravel()) / site.elements
    identity = (scheme.family, site.shape, tuple(scheme.model_dump().values()))
    moments = mean, math.sqrt(max(square - mean * mean, 0.0)), -1.0, 1.0
    return Computed(moments, identity, WORK * site.elements, make)


def sums_of_waves(count: int, steps: Doubles) -> tuple[Doubles, Doubles]:
    """Return the sums of sin(k step) and of cos(k step) over k = 0 … count − 1 (Lagrange)."""
    whole, _ = sine_and_cosine(count * steps / 2.0)
    half, _ = sine_and_cosine(steps / 2.0)
    sines, cosines = sine_and_cosine((count - 1) * steps / 2.0)
    small = np.abs(half) < 1e-12  # a step of whole turns, or none that float64 can tell
    ratio = np.where(small, float(count), whole / np.where(small, 1.0, half))
    return ratio * sines, ratio * cosines


class Hippo(Scheme):
    """HiPPO-LegS: the state matrix (N, N) that remembers an input's history, or its input vector (N)."""

    family = "hippo"
    formula = "A: −√(2n + 1) √(2k + 1) below the diagonal, −(n + 1) on it, 0 above; B: √(2n + 1)"
    references = ("Gu et al. 2020",)

    def realise(self, site: Site) -> Distribution:
        if site.shape[0:1] == () or len(site.shape) > 2 or len(set(site.shape)) != 1 or site.shape[0] > 4096:
            raise self.refuse("a square matrix or a vector, at most 4,096 wide", site)
        size = site.shape[0]
        roots = np.sqrt(2.0 * np.arange(size) + 1.0)
        if len(site.shape) == 1:
            return tabulated(roots, ("hippo", site.shape))

        def make(chance: Chance) -> Doubles:
            below = np.empty((size, size))
            for start in range(0, size, ROWS):
                stopping.check()
                rows = roots[start : start + ROWS]
                diagonal = np.eye(len(rows), size, start) * np.arange(1.0, size + 1.0)
                below[start : start + ROWS] = -np.tril(rows[:, None] * roots[None, :], start - 1) - diagonal
            return below

        # Sums over pairs n > k of a product are half of (the square of the sum less the sum of squares).
        total = -((math.fsum(roots) ** 2 - math.fsum(roots**2)) / 2 + size * (size + 1) / 2)
        squares = (math.fsum(roots**2) ** 2 - math.fsum(roots**4)) / 2 + math.fsum(np.arange(1.0, size + 1.0) ** 2)
        mean = total / size**2
        low = -max(float(size), float(roots[-1] * roots[-2]) if size > 1 else 0.0)
        high = 0.0 if size > 1 else -1.0
        deviation = math.sqrt(max(squares / size**2 - mean * mean, 0.0))
        return Computed((mean, deviation, low, high), ("hippo", site.shape), PLACED * size * size, make)


@lru_cache(maxsize=64)
def logarithms(count: int) -> Doubles:
    """Return ln 1 … ln count."""
    return log(np.arange(1.0, count + 1.0))


class S4dReal(Scheme):
    """S4D-Real and Mamba: the logarithms of 1 … N along the last axis, alike for every channel."""

    family = "s4d_real"
    formula = "ln(n + 1), n the last axis's index"
    references = ("Gu et al. 2022 (S4D)", "Gu and Dao 2023 (Mamba)")

    def realise(self, site: Site) -> Distribution:
        if not site.shape or site.shape[-1] > 4096:
            raise self.refuse("one axis or more, the last at most 4,096", site)
        row = logarithms(site.shape[-1])

        def make(chance: Chance) -> Doubles:
            return np.broadcast_to(row, site.shape).copy()

        moments = float(row.mean()), float(row.std()), float(row.min()), float(row.max())
        return Computed(moments, ("s4d_real", site.shape), 64 * site.elements, make)
