"""Gives an answer its links, and says at which of them the same bytes are to be had again."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from fastapi import Request

from service.api.door.scopes import SPECS
from service.api.door.visits import visit_of
from service.api.parsing import pointing_into
from service.api.services import services_of
from service.api.store import Store, StoreFull
from service.api.working import in_worker, of_spec
from service.formats import Include
from service.networks.plan import Caution, Plan
from service.prices import reading
from service.specs.addresses import MOST_CHARACTERS, PREFIX, under_digest
from service.specs.spec import Spec

NO_ADDRESS = "no-address"
TOO_LONG = f"an address of this spec would have more than {MOST_CHARACTERS:,} characters"

T = TypeVar("T")


async def of_plan(
    body: bytes, prepare: Callable[[Spec], Plan], describe: Callable[[Plan], T], request: Request
) -> tuple[Plan, T]:
    """Return the plan of the spec in a request's body, with its address, and what `describe` makes of it.

    Between the two a spec that its address cannot hold is looked after, for which the event loop is needed.
    """
    services = services_of(request)

    def at_once(spec: Spec) -> tuple[Plan, T | None]:
        plan = prepare(spec)
        if plan.address is not None:
            return plan, describe(plan)
        _ = plan.digest  # of a long text, which is asked for on the event loop
        return plan, None

    def afterwards() -> T:
        with pointing_into(body):
            return describe(plan)

    with visit_of(request).phase("plan"):
        plan, described = await of_spec(body, at_once, services.workers, request)
        if described is None:
            plan = await for_client(plan, request)
            described = await in_worker(services.workers, request, afterwards, reading(body))
    return plan, described


async def for_client(plan: Plan, request: Request) -> Plan:
    """Return a plan whose spec no address can hold as `named` does; what a client may not have kept has none."""
    store = services_of(request).store
    if store is None or SPECS in visit_of(request).client.scopes:
        return await named(plan, store)
    return without_address(plan, f"{TOO_LONG}, and this client may not have it kept (its scopes lack {SPECS})")


async def named(plan: Plan, store: Store | None) -> Plan:
    """Return a plan whose spec no address can hold with one that names it, or with a warning why it has none."""
    if store is None:
        return without_address(plan, f"{TOO_LONG}, and this service keeps no specs (INITSERVE_SPECS)")
    try:
        await store.keep(plan.digest, plan.canonical_json())
    except StoreFull:
        return without_address(
            plan, f"{TOO_LONG}, and there is no room for it in the store (INITSERVE_MAX_SPECS_BYTES)"
        )
    return under_digest(plan)


def without_address(plan: Plan, why: str) -> Plan:
    """Return the plan with a warning that its answer has no links."""
    return replace(plan, warnings=(*plan.warnings, Caution(NO_ADDRESS, "", f"this answer has no links: {why}", {})))


def location_of(plan: Plan, form: str, include: Include) -> dict[str, str]:
    """Return the header that says where a GET gives the bytes of an answer; nothing where there is no address."""
    if plan.address is None:
        return {}
    at = PREFIX + plan.address
    if form == "npy":
        at += f"/{plan.parameters[0].key}"
    return {"content-location": f"{at}.{form}{asking_for(include) if form == 'json' else ''}"}


def asking_for(include: Include) -> str:
    """Return what asks for parts of a JSON answer: nothing for the weights alone, which are what it holds anyway."""
    parts = [name for name, wanted in (("weights", include.weights), ("statistics", include.statistics)) if wanted]
    return "" if parts == ["weights"] else f"?include={','.join(parts)}"
