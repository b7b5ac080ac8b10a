"""What a comparison comes to: which parameters are equal, which differ, which are missing, and what is too much."""

from collections.abc import Iterable
from typing import Any

from service.errors import InvalidFile, InvalidSpec, UnsupportedCombination
from service.formats.safetensors import counters
from service.networks.plan import Plan
from service.specs.published import arrays_in_a_checkpoint
from service.specs.spec import Spec
from service.stream.dtypes import DTYPES
from service.verification.arrays import Array
from service.verification.comparison import Comparison

MOST_LISTED = 1000  # parameters, and names, in an answer; how many there are is told
LONGEST_NAME = 256  # characters of a name that is the file's own


class Result:
    """What is known of each parameter of a plan. Arrays may come of several files, each of which is told of in turn.

    A published model's arrays may have the names that checkpoints have for them, and be cut as they are there. What no
    spec starts is passed over: torch's counts of batches, and tensors of a listing that are left alone.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._comparisons = {parameter.key: Comparison(parameter) for parameter in plan.parameters}
        self._published = arrays_in_a_checkpoint(plan)
        self._own = {there.key: here for here, parts in self._published.items() for there in parts}
        self._counts = frozenset(counters(plan.parameters))
        self._unexpected: list[str] = []
        self._unexpected_count = 0

    @classmethod
    def of_spec(cls, spec: Spec) -> "Result":
        """Return a result of which nothing is known yet; raises InitserveError for a spec that gives no one file."""
        if spec.seed is None:
            raise InvalidSpec("without a seed a spec gives other numbers each time: state the file's", "/seed")
        return cls(spec.plan())

    def of(self, array: Array) -> Comparison | None:
        """Return what an array is to be compared with; None where the spec has none of its name."""
        if array.name is not None:
            return self._named(array.name)
        if len(self._comparisons) != 1:
            raise UnsupportedCombination(
                f"a .npy file holds one array, and this spec makes {len(self._comparisons):,}; take npz or safetensors"
            )
        return next(iter(self._comparisons.values()))

    def _named(self, name: str) -> Comparison | None:
        """Return what an array of a name is compared with; once a part of one is met, its parts stand for it."""
        own = self._own.get(name, name)
        whole, parts = self._comparisons.get(own), self._published.get(own, [])
        if own == name or parts[0].array.slice_of is None:
            return whole
        if whole is not None and whole.array is None:
            del self._comparisons[own]
            self._comparisons |= {part.key: Comparison(part) for part in parts}
        return self._comparisons.get(name)

    def _passed_over(self, array: Array) -> bool:
        """Whether an array is none that a spec could give: an integer, or what a framework computes."""
        counted = array.name in self._counts and array.dtype not in DTYPES
        return counted or array.name in self.plan.left_alone

    def enter(self, array: Array) -> Comparison | None:
        """Note that a file has this array; return what its data is to be compared with, None where it is not."""
        comparison = self.of(array)
        if comparison is None:
            if self._passed_over(array):
                return None
            if self._unexpected_count < MOST_LISTED:
                self._unexpected.append(shortened(array.name or ""))
            self._unexpected_count += 1
            return None
        if comparison.array is not None:
            raise InvalidFile(f"{array.name} stands there twice")
        comparison.array = array
        return comparison if comparison.alike else None

    def answer(self) -> dict[str, Any]:
        """Return the result in JSON's terms; of very many parameters those first that differ."""
        all_of_them = self._comparisons.values()
        there = [each for each in all_of_them if each.array is not None]
        missing = [each.parameter.key for each in all_of_them if each.array is None]
        different = [each for each in there if not each.equal]
        listed = there
        if len(there) > MOST_LISTED:
            equal = [each for each in there if each.equal]
            listed = [*different, *equal][:MOST_LISTED]
        totals = {
            "parameters": len(all_of_them),
            "equal": len(there) - len(different),
            "different": len(different),
            "missing": len(missing),
            "unexpected": self._unexpected_count,
        }
        return {
            "equal": totals["equal"] == totals["parameters"] and not self._unexpected_count,
            "summary": summary(totals, different, missing, self._unexpected),
            "parameters": [each.answer() for each in listed],
            "missing": missing[:MOST_LISTED],
            "unexpected": self._unexpected,
            "totals": totals,
        }


def summary(
    totals: dict[str, int], different: list[Comparison], missing: Iterable[str], unexpected: Iterable[str]
) -> str:
    """Return the result in a sentence: what is wrong first, and how much of it there is."""
    told = []
    if different:
        told.append(
            f"{totals['different']:,} of {totals['parameters']:,} parameters differ, first {different[0].told()}"
        )
    told += [
        f"{totals[what]:,} {words}, first {name}"
        for what, words, names in (("missing", "missing", missing), ("unexpected", "not in the spec", unexpected))
        for name in list(names)[:1]
    ]
    count = totals["parameters"]
    return "; ".join(told) or (f"all {count:,} parameters are equal" if count > 1 else "its parameter is equal")


def shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"
