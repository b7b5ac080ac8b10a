"""POST /diagnose: does a network start well? In numbers, in plain words, and as a picture."""

from fastapi import APIRouter, Request, Response

from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.analysis.figures.diagnosis import diagnosis_figure
from service.analysis.threads import keep_to_one_thread
from service.api.body import read_body
from service.api.described import BY_ACCEPT, WHEN_READ, content, json_body, one_of, problems, query
from service.api.door.visits import visit_of, whose
from service.api.examples import EXAMPLES
from service.api.negotiation import SVG, accept_of, choose_among
from service.api.parsing import parse_document, pointing_into
from service.api.planning import admitted, held
from service.api.routing import DirectRoute, read_query
from service.api.services import services_of
from service.api.working import in_worker
from service.formats.description import dumps
from service.prices import diagnosing, most_of_a_pass, reading

QUESTIONS = {
    "normal": {
        "summary": "Eight layers that start well",
        "value": {"seed": 42, "layers": [{"type": "dense", "shape": [64, 64], "activation": "relu"}] * 8},
    },
    "low-gradient": {
        "summary": "Twenty layers of tanh with tiny weights",
        "value": {
            "seed": 42,
            "layers": [
                {
                    "type": "dense",
                    "shape": [64, 64],
                    "activation": "tanh",
                    "scheme": {"name": "random_normal", "mean": 0.0, "stddev": 0.001},
                }
            ]
            * 20,
        },
    },
    "residual": {
        "summary": "A residual block: a norm, two layers, and a sum with what came in",
        "value": {
            "seed": 42,
            "input_shape": [64],
            "layers": [
                {"name": "stem", "type": "dense", "shape": [64, 64]},
                {"name": "norm", "type": "layer_norm", "shape": [64]},
                {"name": "up", "type": "dense", "shape": [64, 256], "activation": "relu"},
                {"name": "down", "type": "dense", "shape": [256, 64]},
                {"name": "sum", "type": "add", "inputs": ["stem", "down"]},
                {"name": "out", "type": "dense", "shape": [64, 10]},
            ],
        },
    },
    "across": {
        "summary": "The coordinate check: do sizes keep as the network gets wider?",
        "value": {
            "seed": 42,
            "across": {"width": [32, 64, 128]},
            "layers": [
                {"name": "in", "type": "dense", "shape": [16, 64], "activation": "relu"},
                {"name": "hidden", "type": "dense", "shape": [64, 64], "activation": "relu"},
                {"name": "out", "type": "dense", "shape": [64, 10]},
            ],
        },
    },
    "sequence": EXAMPLES["sequence"],
    "recipe": EXAMPLES["recipe"],
    "torch": EXAMPLES["torch"],
    "steps": {
        "summary": "The first ten steps with Adam",
        "value": {
            "seed": 42,
            "steps": 10,
            "optimizer": "adam",
            "learning_rate": 0.01,
            "layers": [{"type": "dense", "shape": [32, 32], "activation": "tanh"}] * 4,
        },
    },
}
OFFERED = {"json": "application/json", "svg": SVG}
router = APIRouter(tags=["analysis"], route_class=DirectRoute)


@router.post(
    "/diagnose",
    operation_id="diagnose",
    summary="Does a network start well?",
    status_code=200,
    response_class=Response,
    responses={
        200: {
            "description": "Every layer's outputs and gradients, what theory expects of them, verdicts, blocks, a try.",
            "content": content("DiagnoseAnswer", SVG),
        },
        **problems(406, *WHEN_READ),
    },
    openapi_extra=json_body("DiagnoseRequest", QUESTIONS) | query(one_of("format", BY_ACCEPT, OFFERED)),
)
async def diagnose(request: Request) -> Response:
    """Send a batch forward through the network and a gradient back, on the very weights that /init returns.

    Per layer: outputs, gradients, dead and saturated shares, correlation, symmetry, singular values, beside the
    mean-field forecast; a verdict for each layer and for all, why, and a spec to `try` that starts well. Per block: how
    much its stream of residuals grows, and what part of it each branch adds; of attention, how evenly it looks.
    `across` asks how sizes go with width or depth, `steps` what the first steps of a training do.
    """
    services = services_of(request)
    asked = read_query(request, ("format",))
    chosen = choose_among(OFFERED, asked.get("format"), accept_of(request))
    with services.room.for_request(whose(request)) as grant:
        body = await read_body(request, services, grant)
        grant.grow(services.room.heavy, 1)

        def work() -> bytes:
            keep_to_one_thread()
            with held(reading(body), request):
                asked_for = parse_document(body, DiagnoseRequest)
            with pointing_into(body):
                with admitted(asked_for, request):
                    diagnosis = Diagnosis(asked_for, most_of_a_pass(services.settings.max_processor_seconds))
                services.room.for_study(grant, diagnosis.memory)
                grant.also(visit_of(request).hold(diagnosing(diagnosis)))
                answer = diagnosis.answer()
            return diagnosis_figure(answer).encode() if chosen == "svg" else dumps(answer)

        # In turns with others that take seconds: one of them works at a time, and nobody else waits for it.
        with visit_of(request).phase("study"):
            content = await in_worker(services.workers, request, work, heavy=True)
    headers = {"vary": "accept", "cache-control": "no-store"}
    return Response(content, media_type=OFFERED[chosen], headers=headers)
