"""Networks of convolutions: Fixup's residual ones without norms, LeNet-5, U-Net."""

from service.networks.families.tree import Layer
from service.networks.families.wiring import Network, Wiring
from service.specs.starts.layers import Model, Rule, convolution, dense, rule, uniform

WIDTHS = (16, 32, 64)  # of Fixup's stages


def fixup(depth: int, outputs: int) -> Model:
    """Fixup: residual blocks of two convolutions, no normalisation: the first narrowed by depth^-1/2, the last at 0."""
    layers: list[Layer] = [
        {"name": "stem", "type": "conv2d", "shape": [3, 3, 3, 16], "bias": None, "activation": "relu"}
    ]
    total, inputs = 3 * depth, 16
    for stage, width in enumerate(WIDTHS):
        for i in range(depth):
            at = f"stage_{stage}.block_{i}"
            more = {"type": "conv2d", "bias": None, "activation": "relu"}
            layers += [{"name": f"{at}.conv_1", "shape": [3, 3, inputs, width], **more}]
            layers += [{"name": f"{at}.conv_2", "shape": [3, 3, width, width], **more}]
            inputs = width
    he = {"mode": "fan_out", "distribution": "untruncated_normal"}
    rules = [rule("*/kernel", "variance_scaling", scale=2.0, **he)]
    rules += [rule("*.conv_1/kernel", "variance_scaling", scale=2.0 / total, **he)]
    rules += [rule("*.conv_2/kernel", "zeros"), rule("classifier/*", "zeros")]
    return [*layers, dense("classifier", inputs, outputs)], rules


def of_fixup(depth: int, outputs: int) -> Network:
    """Return the network for images of 32 by 32, in which a shortcut to half as many places has its features twice.

    A block's rectifier comes after its sum: before it, convolutions that begin at 0 would have no gradient. Nor would
    features that begin at 0, with which the publication fills up a shortcut: there numbers beside the convolutions move
    them, for which this start has no arrays.
    """
    w, inputs = Wiring(input=[32, 32, 3]), WIDTHS[0]
    x = w.weighted("stem", "input", padding=1)
    for stage, width in enumerate(WIDTHS):
        for i in range(depth):
            at, halved = f"stage_{stage}.block_{i}", width != inputs
            y = w.weighted(f"{at}.conv_1", x, strides=2 if halved else 1, padding=1)
            y = w.weighted(f"{at}.conv_2", y, padding=1, activation="linear")
            if halved:
                x = w.plain("average_pool", f"{at}.shortcut", x, window=1, strides=2)
                x = w.plain("concatenate", f"{at}.twice", x, x)
            x, inputs = w.activation(f"{at}.relu", w.add(f"{at}.add", x, y), "relu"), width
    w.weighted("classifier", w.plain("global_average_pool", "pool", x))
    return w.written()


STEEP, HIGH = 2.0 / 3.0, 1.7159  # LeNet's function is HIGH tanh(STEEP x), which is near 1 at 1


def lenet5(channels: int, outputs: int, published: bool) -> Model:
    """LeNet-5: every weight of deviation 1 / √fan_in, for 1.7159 tanh(2x/3), as its authors recommend; biases 0.

    They draw them from U(±√(3 / fan_in)) in Efficient BackProp; in the network's own publication from U(±2.4 / fan_in),
    whose gradients are small. The names are the publication's. Of its maps every one is read by every one, as all have
    it since, and subsampling is a plain mean.
    """
    layers = [
        convolution("C1", 5, channels, 6),
        convolution("C3", 5, 6, 16),
        convolution("C5", 5, 16, 120),
        dense("F6", 120, 84),
        dense("output", 84, outputs),
    ]
    fans = {"C1": 25 * channels, "C3": 25 * 6, "C5": 25 * 16, "F6": 120, "output": 84}
    reaches = {name: 2.4 / fan_in if published else (3.0 / fan_in) ** 0.5 for name, fan_in in fans.items()}
    return layers, [uniform(f"{name}/kernel", reach) for name, reach in reaches.items()]


def of_lenet5(channels: int, outputs: int, published: bool) -> Network:
    """Return the network for images of 32 by 32."""
    w = Wiring(input=[32, 32, channels])
    x = squashed(w, "C1", w.weighted("C1", "input", padding="valid"))
    x = w.plain("average_pool", "S2", x, window=2)
    x = squashed(w, "C3", w.weighted("C3", x, padding="valid"))
    x = w.plain("average_pool", "S4", x, window=2)
    x = squashed(w, "C5", w.weighted("C5", x, padding="valid"))
    x = squashed(w, "F6", w.weighted("F6", w.plain("flatten", "flatten", x)))
    w.weighted("output", x)
    return w.written()


def squashed(w: Wiring, at: str, x: str) -> str:
    tanh = w.activation(f"{at}.tanh", w.plain("scale", f"{at}.steepened", x, by=STEEP), "tanh")
    return w.plain("scale", f"{at}.widened", tanh, by=HIGH)


LEVELS = 4  # how often U-Net halves an image
SMALLEST = 188  # pixels of an image whose halves all are whole and of which something is left


def unet(channels: int, outputs: int, width: int) -> Model:
    """U-Net: every weight N(0, 2 / fan_in), without norms and padding; biases 0.

    The names are those of the network that its authors published, in which every layer but the last is rectified.
    """
    layers: list[Layer] = []
    inputs = channels
    for level in range(LEVELS + 1):
        here = width << level
        layers += pair(f"d{level}", "ab", inputs, here)
        inputs = here
    for level in reversed(range(LEVELS)):
        here, name = width << level, upwards(level)
        more = {"type": "conv2d_transpose", "strides": 2, "activation": "relu"}
        layers += [convolution(name, 2, 2 * here, here, **more), *pair(f"u{level}", "bc", 2 * here, here)]
    gaussian = {"scale": 2.0, "mode": "fan_in", "distribution": "untruncated_normal"}
    rules: list[Rule] = [rule("*/kernel", "variance_scaling", **gaussian)]
    return [*layers, convolution("conv_u0d-score", 1, width, outputs)], rules


def pair(at: str, letters: str, inputs: int, width: int) -> list[Layer]:
    """Return two convolutions of 3 by 3, which are called by the letters of what they read and give."""
    names = named(at, letters)
    return [
        convolution(name, 3, size, width, activation="relu") for name, size in zip(names, (inputs, width), strict=True)
    ]


def named(at: str, letters: str) -> tuple[str, str]:
    return f"conv_{at}{letters[0]}-{letters[1]}", f"conv_{at}{letters[1]}-{chr(ord(letters[1]) + 1)}"


def upwards(level: int) -> str:
    """Return the name of what doubles the image, up to a level."""
    return f"upconv_{'d4c' if level == LEVELS - 1 else f'u{level + 1}d'}_u{level}a"


def of_unet(channels: int, outputs: int, width: int) -> Network:
    """Return the network for tiles of 188 by 188: beside what comes from below stands the middle of what went down."""
    w, x, beside = Wiring(input=[SMALLEST, SMALLEST, channels]), "input", []
    for level in range(LEVELS + 1):
        x = w.plain("max_pool", f"pool_{level}", x, window=2) if level else x
        for name in named(f"d{level}", "ab"):
            x = w.weighted(name, x, padding="valid")
        beside.append(x)
    cut = 0
    for level in reversed(range(LEVELS)):
        cut = 2 * (cut + 2)  # each convolution takes a place off either end, below twice as many
        x = w.weighted(upwards(level), x, padding=0)
        middle = w.plain("pad", f"crop_{level}", beside[level], padding=[[-cut, -cut], [-cut, -cut], [0, 0]])
        x = w.plain("concatenate", f"concat_{level}", x, middle)
        for name in named(f"u{level}", "bc"):
            x = w.weighted(name, x, padding="valid")
        cut += 2
    w.weighted("conv_u0d-score", x)
    return w.written()
