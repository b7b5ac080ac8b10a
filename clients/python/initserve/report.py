"""What became of a model's parameters, and why."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Filled:
    """A parameter that was filled: with which scheme, what that came to, and why that one."""

    name: str
    shape: tuple[int, ...]
    layer: str
    scheme: str
    formula: str
    reason: str


@dataclass(slots=True)
class Report:
    """`filled` in the model's order; `tied` are names of parameters filled under another; `kept` say why they were.

    `assumed` are modules of which a framework's stream had to take something for granted, and what.
    """

    seed: int
    algorithm: str
    filled: list[Filled] = field(default_factory=list)
    tied: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    assumed: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{len(self.filled)} parameters of seed {self.seed}, {self.algorithm}"]
        lines += [
            f"  {each.name} {list(each.shape)}: {each.scheme}, {each.formula} ({each.reason})" for each in self.filled
        ]
        lines += [f"  {name}: tied to {other}" for name, other in self.tied.items()]
        lines += [f"  {name}: kept, {why}" for name, why in self.kept.items()]
        lines += [f"  {name or 'the model'}: {what}" for name, what in self.assumed.items()]
        return "\n".join(lines)
