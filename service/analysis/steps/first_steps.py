"""The first steps of a training, as a diagnosis tells of them."""

from typing import Any

from service.analysis.losses import LOSSES
from service.analysis.network import Batches, Network, activation_of
from service.analysis.optimizers import OPTIMIZERS
from service.analysis.steps.asked import StepsRequest, check_cost
from service.analysis.steps.descent import descend
from service.analysis.steps.judgement import judge, watch
from service.analysis.steps.targets import loss_for, outputs_of, targets_for
from service.networks.schemes.npy import load_npy
from service.specs.spec import Spec


class FirstSteps:
    """Steps that can be taken; raises InitserveError for targets that do not fit, and for more than may be asked."""

    def __init__(
        self, spec: Spec, request: StepsRequest, steps: int, inputs: Batches, seed: int, most_operations: int
    ) -> None:
        self.network = Network(spec, most_operations)
        self.request, self.steps, self.inputs = request, steps, inputs
        shapes = {name: batch.shape for name, batch in inputs.items()}
        check_cost(self.network, shapes, steps)
        outputs = outputs_of(self.network, shapes)
        given = None if request.targets is None else load_npy(request.targets)
        tokens = any(batch.dtype.kind in "iu" for batch in inputs.values())
        # The network itself ends in logits: a softmax is the loss's.
        classes = tokens or activation_of(spec.graph.places[-1]) == "softmax"
        self.loss = LOSSES[loss_for(request.loss, outputs, classes, given)]
        self.targets = targets_for(self.loss.name, outputs, given, seed)

    def take(self) -> dict[str, Any]:
        """Take them, and return what each of them did, and whether all of them go well."""
        rate, optimizer, unit = self.request.rate, OPTIMIZERS[self.request.optimizer](), self.loss.unit(self.targets)
        run = descend(self.network, self.inputs, self.targets, self.loss, optimizer, rate, self.steps)
        seen = watch(run, unit)
        judged = judge(seen, unit)
        return {
            "optimizer": self.request.optimizer,
            "learning_rate": rate,
            "loss": self.loss.name,
            "steps": seen,
            "verdict": judged.verdict,
            "at": judged.at,
            "layer": judged.layer,
            "summary": judged.summary,
        }
