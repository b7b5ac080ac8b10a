"""Initialisers in the place of keras.initializers': the same names and arguments, initserve's numbers."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import keras

from initserve.client import Client
from initserve.local import Local

PACKAGE = "initserve"
PATH = "weights"  # the stream of an initialiser that is told none
DTYPES = ("float32", "float64", "float16", "bfloat16")


@keras.saving.register_keras_serializable(PACKAGE)
class Initializer(keras.initializers.Initializer):  # type: ignore[misc]
    """Any scheme of initserve, by its name or as a spec states it.

    Like Keras's own with a whole-number seed, it gives a shape the same values whenever it is called. Keras tells it
    nothing of the variable; `path` is what its stream is called, so that two variables of one shape and seed differ.
    Without a seed one is drawn, and kept with the rest of the configuration. `seed` may be a
    keras.random.SeedGenerator, of which every call takes the next state. Values are made here (`Local`), or where `url`
    leads to.
    """

    def __init__(
        self,
        scheme: str | Mapping[str, Any] = "glorot_uniform",
        seed: Any = None,
        path: str = PATH,
        url: str | None = None,
    ) -> None:
        self.scheme = scheme if isinstance(scheme, str) else dict(scheme)
        self.seed = keras.src.random.seed_generator.make_default_seed() if seed is None else seed
        self.path, self.url = path, url

    def stated(self) -> str | dict[str, Any]:
        """Return the scheme as a spec has it."""
        return self.scheme

    def fans(self, shape: Sequence[int]) -> dict[str, int]:
        """Return the fans of a shape where they are not those of Keras's rule."""
        return {}

    def __call__(self, shape: Sequence[int], dtype: Any = None, **_: Any) -> Any:
        """Return an array of the shape, as the backend has them; raises ValueError for dtypes of no weights."""
        kind = keras.backend.standardize_dtype(dtype or keras.config.floatx())
        if kind not in DTYPES:
            raise ValueError(f"{kind} is no dtype that weights are drawn in: {', '.join(DTYPES)}")
        layer: dict[str, Any] = {"name": self.path, "type": "tensor", "shape": list(shape), "scheme": self.stated()}
        layer |= self.fans(shape)
        spec = {"seed": self._seed(), "dtype": kind, "layers": [layer]}
        if self.url is None:
            values = Local().init(spec)
        else:
            with Client(self.url) as client:
                values = client.init(spec)
        (value,) = values.values()
        return keras.ops.convert_to_tensor(value, dtype=kind)

    def _seed(self) -> int:
        if isinstance(self.seed, keras.random.SeedGenerator):
            high, low = (int(each) for each in keras.ops.convert_to_numpy(self.seed.next()))
            return high << 32 | low
        return int(self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"scheme": self.scheme, **self._shared()}

    def _shared(self) -> dict[str, Any]:
        seed = keras.saving.serialize_keras_object(self.seed)
        return {"seed": seed, "path": self.path, "url": self.url}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Initializer":
        seed = keras.saving.deserialize_keras_object(config["seed"])
        return cls(**{**config, "seed": seed})

    def clone(self) -> "Initializer":
        return type(self).from_config(self.get_config())


class Named(Initializer):
    """One of Keras's: its arguments are attributes, and members of the scheme of the same name."""

    name: str
    parameters: tuple[str, ...] = ()

    def __init__(self, seed: Any = None, path: str = PATH, url: str | None = None, **parameters: Any) -> None:
        super().__init__(self.name, seed, path, url)
        for name in self.parameters:
            setattr(self, name, parameters[name])

    def stated(self) -> str | dict[str, Any]:
        return {"name": self.name, **{name: getattr(self, name) for name in self.parameters}}

    def get_config(self) -> dict[str, Any]:
        return {**{name: getattr(self, name) for name in self.parameters}, **self._shared()}


@keras.saving.register_keras_serializable(PACKAGE)
class RandomNormal(Named):
    name, parameters = "random_normal", ("mean", "stddev")

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None, **more: Any) -> None:
        super().__init__(seed, mean=mean, stddev=stddev, **more)


@keras.saving.register_keras_serializable(PACKAGE)
class TruncatedNormal(Named):
    name, parameters = "truncated_normal", ("mean", "stddev")

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None, **more: Any) -> None:
        super().__init__(seed, mean=mean, stddev=stddev, **more)


@keras.saving.register_keras_serializable(PACKAGE)
class RandomUniform(Named):
    name, parameters = "random_uniform", ("minval", "maxval")

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None, **more: Any) -> None:
        super().__init__(seed, minval=minval, maxval=maxval, **more)


@keras.saving.register_keras_serializable(PACKAGE)
class Orthogonal(Named):
    name, parameters = "orthogonal", ("gain",)

    def __init__(self, gain: float = 1.0, seed: Any = None, **more: Any) -> None:
        super().__init__(seed, gain=gain, **more)


class Scaled(Named):
    """One whose deviation comes of a shape's fans; `input_axes` and `output_axes` say which axes they are of."""

    def __init__(
        self,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
        path: str = PATH,
        url: str | None = None,
        **parameters: Any,
    ) -> None:
        super().__init__(seed, path, url, **parameters)
        self.input_axes, self.output_axes = input_axes, output_axes

    def fans(self, shape: Sequence[int]) -> dict[str, int]:
        if self.input_axes is None or self.output_axes is None:
            return {}
        fan_in, fan_out = (prod(shape[axis] for axis in axes) for axes in (self.input_axes, self.output_axes))
        return {"fan_in": fan_in, "fan_out": fan_out}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "input_axes": self.input_axes, "output_axes": self.output_axes}


@keras.saving.register_keras_serializable(PACKAGE)
class VarianceScaling(Scaled):
    name, parameters = "variance_scaling", ("scale", "mode", "distribution")

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        **more: Any,
    ) -> None:
        super().__init__(seed, scale=scale, mode=mode, distribution=distribution, **more)


@keras.saving.register_keras_serializable(PACKAGE)
class GlorotUniform(Scaled):
    name = "glorot_uniform"


@keras.saving.register_keras_serializable(PACKAGE)
class GlorotNormal(Scaled):
    name = "glorot_normal"


@keras.saving.register_keras_serializable(PACKAGE)
class HeNormal(Scaled):
    name = "he_normal"


@keras.saving.register_keras_serializable(PACKAGE)
class HeUniform(Scaled):
    name = "he_uniform"


@keras.saving.register_keras_serializable(PACKAGE)
class LecunNormal(Scaled):
    name = "lecun_normal"


@keras.saving.register_keras_serializable(PACKAGE)
class LecunUniform(Scaled):
    name = "lecun_uniform"
