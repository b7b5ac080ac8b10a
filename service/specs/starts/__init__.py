"""Starts: ways to start a network of any size, and networks that no library has, as layers and rules.

To add one, write its function and its network's, which take the same numbers, and its row of STARTS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import getdoc
from typing import Any

from service.networks.families.wiring import Network
from service.specs.starts.convolutional import fixup, lenet5, of_fixup, of_lenet5, of_unet, unet
from service.specs.starts.layers import Model
from service.specs.starts.recurrent import lstm_lm, of_lstm_lm
from service.specs.starts.transformers import (
    after,
    before,
    deepnorm,
    lora,
    megatron,
    mup,
    t_fixup,
    with_readout,
    without,
)


@dataclass(frozen=True, slots=True)
class Start:
    """`build` gives layers and rules, `network` how the layers make a network.

    `sizes` are the arguments of both by name; the first one is taken where a spec names none.
    """

    build: Callable[..., Model]
    network: Callable[..., Network]
    sizes: Mapping[str, tuple[Any, ...]]
    references: tuple[str, ...]

    @property
    def summary(self) -> str:
        return (getdoc(self.build) or "").partition("\n\n")[0].replace("\n", " ")


STACKS = {"small": (512, 6, 8), "base": (768, 12, 12), "large": (1024, 24, 16)}  # width, depth, heads
DIGITS = {"mnist": (1, 10, False), "as_published": (1, 10, True)}  # channels, classes, whether as first published
WORDS = {  # words, width, depth, reach, whether everything is drawn by it
    "small": (10000, 200, 2, 0.1, True),
    "medium": (10000, 650, 2, 0.05, True),
    "large": (10000, 1500, 2, 0.04, True),
    "word_language_model": (33278, 200, 2, 0.1, False),
}

STARTS: Mapping[str, Start] = {
    "megatron": Start(megatron, before, STACKS, ("Shoeybi et al. 2019",)),
    "deepnorm": Start(deepnorm, after, STACKS, ("Wang et al. 2022",)),
    "t_fixup": Start(t_fixup, without, STACKS, ("Huang et al. 2020",)),
    "mup": Start(mup, with_readout, STACKS, ("Yang et al. 2022",)),
    "lora": Start(lora, before, STACKS, ("Hu et al. 2021",)),
    "fixup": Start(fixup, of_fixup, {"small": (3, 10), "base": (18, 10)}, ("Zhang et al. 2019",)),
    "lenet5": Start(lenet5, of_lenet5, DIGITS, ("LeCun et al. 1998", "LeCun et al. 1998 (Efficient BackProp)")),
    "unet": Start(unet, of_unet, {"isbi": (1, 2, 64)}, ("Ronneberger et al. 2015", "He et al. 2015")),
    "lstm_lm": Start(lstm_lm, of_lstm_lm, WORDS, ("Zaremba et al. 2014",)),
}
