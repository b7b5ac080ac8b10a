"""A document of each kind of problem, as the OpenAPI document shows it; where a request calls it forth, a test asks.

To add one for a new kind of problem, add a row to DETAILS: what its document says beside its type, title and status.
"""

from typing import Any

from service.api.problems import PROBLEMS

FLOAT16 = "values up to 100000 do not fit float16, whose largest is 65504"
LAPACK = "orthogonal takes a QR decomposition from LAPACK, whose last bits differ between builds and processors"
TOO_MANY = (
    "this spec takes 40,000,400,000 bytes of weights; at most 268,435,456 are allowed in JSON; "
    "binary formats allow more"
)
DETAILS: dict[str, dict[str, Any]] = {
    "malformed-json": {"detail": "Expecting property name enclosed in double quotes at line 1, column 2"},
    "malformed-request": {"detail": "a request of HTTP/1.1 has one Host header, not 2"},
    "invalid-address": {"detail": "this is no address that this service gave: it ends before what was deflated does"},
    "malformed-form": {"detail": "the body is no multipart/form-data: it ends before its last boundary"},
    "not-found": {"detail": "GET /problems/unheard-of: there is nothing here"},
    "unknown-repository": {"detail": "there is no 'init/gpt3'; there are init/gpt2, init/gpt2-small, init/gpt2-medium"},
    "unknown-revision": {"detail": "there is no revision 'seed-one' of init/gpt2: one is seed-N, N from 0 to 2^64 - 1"},
    "unknown-file": {"detail": "init/gpt2 has no 'vocab.json'; it has README.md, config.json, model.safetensors"},
    "unknown-spec": {
        "detail": "no spec is kept here under sha256-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    },
    "method-not-allowed": {"detail": "GET /init: this address takes another method"},
    "not-acceptable": {
        "detail": "none of 'image/png' is offered; these are: application/json (?format=json), "
        "application/vnd.safetensors (?format=safetensors), application/x-npz (?format=npz), application/x-npy "
        "(?format=npy)"
    },
    "request-timeout": {"detail": "the body was not complete after 30 s"},
    "precondition-failed": {
        "detail": 'If-Match does not list "5d41402abc4b2a76b9719d911017c592", the entity tag of what is here'
    },
    "range-not-satisfiable": {"detail": "none of the ranges in 'bytes=900-' stands in these 832 bytes"},
    "body-too-large": {"detail": "the body has 20000000 bytes; at most 16777216 are read"},
    "uri-too-long": {"detail": "the request line has more than 8192 bytes"},
    "unsupported-media-type": {"detail": "the body is text/plain, not JSON"},
    "invalid-spec": {
        "detail": "1 error in the spec",
        "errors": [{"pointer": "/layers/0/shape/1", "detail": "an integer is needed here, not a fraction"}],
    },
    "invalid-file": {"detail": "it ends after 1,234 bytes, in the middle of the data of fc1/kernel"},
    "invalid-query": {"detail": "the parameters are include and format, each once"},
    "invalid-slice": {
        "detail": "index 900 is out of bounds for axis 0, which has 784 places",
        "errors": [{"pointer": "", "detail": "index 900 is out of bounds for axis 0, which has 784 places"}],
        "try": {"slice": "783"},
    },
    "unsupported-combination": {
        "detail": FLOAT16,
        "errors": [{"pointer": "/layers/0/scheme", "detail": FLOAT16}],
        "try": {"dtype": "float32"},
    },
    "not-exact": {
        "detail": LAPACK,
        "errors": [{"pointer": "/layers/0/scheme", "detail": LAPACK}],
        "try": {"exact": False},
    },
    "too-large": {
        "detail": TOO_MANY,
        "errors": [{"pointer": "", "detail": TOO_MANY}],
    },
    "headers-too-large": {"detail": "a header has more than 8192 bytes"},
    "busy": {"detail": "all that may be made at once is being made"},
    "stream-not-ready": {"detail": "kernels of torch-cpu/1 are being compiled, for the first time on this machine"},
    "store-unavailable": {"detail": "the store of specs did not answer within 5 s"},
    "store-full": {"detail": "all the room for specs that this service has is taken"},
    "no-store": {"detail": "this service keeps no specs: INITSERVE_SPECS is not set"},
    "transfer-encoding": {"detail": "the body comes as gzip, chunked"},
    "http-version": {"detail": "HTTP/2.0 is not spoken here"},
    "internal-error": {"detail": "something failed here that should not; it has been logged"},
}


def examples_of(status: int) -> dict[str, dict[str, Any]]:
    """Return an example of each kind of problem that has this status."""
    return {
        code: {
            "summary": kind.title,
            "value": {"type": f"/problems/{code}", "title": kind.title, "status": status, **DETAILS[code]},
        }
        for code, kind in PROBLEMS.items()
        if kind.status == status
    }
