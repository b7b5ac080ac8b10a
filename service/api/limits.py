"""What one answer may cost, checked on its plan: before a number is drawn, whatever its size."""

from service.api.admission import PARSED, REQUEST, STREAM
from service.errors import TooLarge
from service.formats import Include
from service.networks.plan import Plan
from service.settings import Settings


def admit(plan: Plan, format_name: str, include: Include, settings: Settings) -> None:
    """Refuse a plan that is too large for its format, or that takes too many operations."""
    cost = plan.cost
    refuse_beyond(len(plan.layers), settings.max_layers, "layers", "in one spec")
    refuse_beyond(cost.elements, settings.max_elements, "elements", "in one answer")
    if format_name != "json":
        refuse_beyond(cost.bytes, settings.max_binary_bytes, "bytes of weights", f"in {format_name}")
    elif include.weights:
        refuse_beyond(cost.bytes, settings.max_json_bytes, "bytes of weights", "in JSON; binary formats allow more")
    refuse_beyond(cost.operations, settings.max_operations, "operations before its first number", "in one answer")
    beside = STREAM + REQUEST + PARSED * settings.max_body_bytes
    most = min(settings.max_standing_bytes, settings.max_bytes_in_flight - beside)
    refuse_beyond(cost.standing, most, "bytes in memory at once", "for one parameter")


def refuse_beyond(cost: int, limit: int, unit: str, where: str) -> None:
    if cost > limit:
        shown = f"{cost:,}" if cost < 10**30 else "more than 10^30"
        raise TooLarge(f"this spec takes {shown} {unit}; at most {limit:,} are allowed {where}")
