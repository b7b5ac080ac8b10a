"""What is asked of first steps: how many, by which optimiser, towards what; and what that costs."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from service.analysis.losses import LossName
from service.analysis.network import Network
from service.analysis.optimizers import OPTIMIZERS, RATES, OptimizerName
from service.analysis.sizes import IN_ALL
from service.errors import InvalidSpec, TooLarge
from service.networks.schemes.npy import read_npy
from service.stream.views import Shape

MOST_STEPS = 50
IN_THE_MAKING: dict[OptimizerName, int] = {"sgd": 1, "adam": 3}  # arrays as large as the one that is changed
OF_STEPS = ("optimizer", "learning_rate", "loss", "targets")  # members that say something of steps alone


class StepsRequest(BaseModel):
    """The members of a request that are about first steps."""

    steps: Annotated[int, Field(ge=1, le=MOST_STEPS)] | None = Field(
        None, description="Also train for so many steps on the inputs, and tell what each does to every layer."
    )
    optimizer: OptimizerName = Field(
        "sgd", description="Plain gradient descent, or Adam as published (Kingma & Ba 2015); each on the whole batch."
    )
    learning_rate: Annotated[float, Field(gt=0.0, le=1000.0)] | None = Field(
        None, description=f"{RATES['sgd']} for sgd, {RATES['adam']} for adam, unless given."
    )
    loss: LossName | None = Field(
        None,
        description="Left out: cross-entropy where tokens went in, where the network ends in a softmax, or where "
        "targets are classes; else the mean squared error.",
    )
    targets: Annotated[str, Field(max_length=2**24), AfterValidator(read_npy)] | None = Field(
        None,
        description="A .npy file in base64: a class for each output, or numbers in the outputs' shape. Left out: "
        "classes or standard normal numbers are drawn, which a network can only learn by heart.",
    )

    @property
    def rate(self) -> float:
        return RATES[self.optimizer] if self.learning_rate is None else self.learning_rate

    def check_steps(self, forecast_only: bool, across: bool) -> None:
        """Refuse what is said of steps that are not asked for, or where nothing is drawn that could be trained.

        A family `across` sizes takes a step, too.
        """
        stated = next((name for name in OF_STEPS if name in self.model_fields_set), None)
        if self.steps is None and not across and stated is not None:
            raise InvalidSpec(f"{stated} is about first steps: say how many", f"/{stated}", {"steps": 10})
        if (self.steps is not None or across) and forecast_only:
            detail = "a forecast draws no weights, so that there are none to train"
            raise InvalidSpec(detail, "/across" if self.steps is None else "/steps", {"forecast_only": False})


def held_by_steps(network: Network, shapes: Mapping[str, Shape], optimizer: OptimizerName) -> int:
    """Return the bytes that steps hold beside a pass: what an optimiser remembers, and a change in the making.

    Weights are changed in place, array after array.
    """
    whole = network.weights_bytes(shapes)
    sizes = [one.elements for planned in network.planned if planned is not None for one in planned.parameters]
    of_largest = whole * max(sizes, default=0) // max(sum(sizes), 1)
    return OPTIMIZERS[optimizer].memory * whole + IN_THE_MAKING[optimizer] * of_largest


def check_cost(network: Network, shapes: Mapping[str, Shape], steps: int) -> None:
    """Refuse more steps than there is time for: each costs a pass there and back, and so does the look after the last.

    Raises TooLarge with as many as would do.
    """
    price = network.price_of_step(shapes)
    most = IN_ALL * network.most_operations - network.price(shapes)  # the study is beside them
    if (steps + 1) * price <= most:
        return
    fewer = max(0, most) // price - 1
    remedy: dict[str, Any] = {"steps": fewer if fewer > 0 else None}
    detail = (
        f"{steps} steps cost as much as {(steps + 1) * price:,} multiplications; at most {max(0, most):,} are allowed"
    )
    raise TooLarge(f"{detail}: fewer steps or a smaller batch will do", "/steps", remedy)
