"""What stores answer that do not do what they are asked: told in a line, without a secret, with whether it may pass."""

import pickle
import socket
import traceback
from datetime import timedelta

import pytest
from obstore.exceptions import BaseError
from obstore.store import S3Store

from service.materialize.places.place import PlaceError
from service.materialize.places.refusal import refusal
from tests.materialize.places.answering import answer, answering, refused

KEY, SECRET = "AKIDNEVERTOLD", "secretnevertold"


def store_at(endpoint: str, **client: str) -> S3Store:
    return S3Store(
        "bucket",
        endpoint=endpoint,
        access_key_id=KEY,
        secret_access_key=SECRET,
        region="us-east-1",
        client_options={"allow_http": True, "timeout": "300ms"} | client,  # type: ignore[arg-type]
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=1)},
    )


def told(endpoint: str, **client: str) -> PlaceError:
    """Return what is told of a store that is asked to take a file."""
    try:
        store_at(endpoint, **client).put("a", b"text")
    except (BaseError, OSError) as error:
        return refusal(error, "s3://bucket/a")
    raise AssertionError("it was taken")


SECRETS = f"<AWSAccessKeyId>{KEY}</AWSAccessKeyId><StringToSign>{SECRET}</StringToSign>"


@pytest.mark.parametrize(
    ("content", "line", "passing"),
    [
        (refused(404, "NoSuchBucket"), "there is no such bucket (404 NoSuchBucket)", False),
        (refused(404, "ContainerNotFound"), "there is no such container (404 ContainerNotFound)", False),
        (refused(403, "AccessDenied"), "the credentials do not allow it (403 AccessDenied)", False),
        (answer(403), "the credentials do not allow it (403)", False),
        (answer(401), "the store does not accept the credentials (401)", False),
        (
            refused(403, "InvalidAccessKeyId", SECRETS),
            "the store does not accept the credentials (403 InvalidAccessKeyId)",
            False,
        ),
        (
            refused(403, "SignatureDoesNotMatch", SECRETS),
            "the store does not accept the credentials (403 SignatureDoesNotMatch)",
            False,
        ),
        (
            refused(400, "ExpiredToken", SECRETS),
            "the store does not accept the credentials (400 ExpiredToken)",
            False,
        ),
        (answer(301), "the bucket is in another region, which the option region names", False),
        (refused(400, "EntityTooLarge"), "the store did not do it (400 EntityTooLarge)", False),
        (answer(501), "the store did not do it (501)", False),
        (answer(500), "the store did not do it (500)", True),
        (refused(500, "InternalError"), "the store did not do it (500 InternalError)", True),
        (refused(503, "SlowDown"), "the store did not do it (503 SlowDown)", True),
        (answer(502, "<html>gateway</html>"), "the store did not do it (502)", True),
        (answer(504), "the store did not do it (504)", True),
        (answer(429), "the store did not do it (429)", True),
        (answer(408), "the store did not do it (408)", True),
        (refused(409, "OperationAborted"), "the store did not do it (409 OperationAborted)", True),
        (refused(400, "RequestTimeout"), "the store did not do it (400 RequestTimeout)", True),
        (refused(400, "BadDigest"), "the store did not do it (400 BadDigest)", True),
        (refused(404, "NoSuchUpload"), "the upload is gone (404 NoSuchUpload)", True),
    ],
)
def test_what_a_store_answers_is_told_in_a_line(content: bytes, line: str, passing: bool) -> None:
    with answering(content) as endpoint:
        error = told(endpoint)
    assert (str(error), error.passing) == (f"s3://bucket/a: {line}", passing)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "the connection was cut"),
        (b"nonsense\r\n\r\n", "what it answers is not HTTP"),
        (None, "it did not answer in time"),
    ],
)
def test_what_is_no_answer_passes_and_is_told_with_whom_was_asked(content: bytes | None, line: str) -> None:
    with answering(content) as endpoint:
        error = told(endpoint)
    host = endpoint.removeprefix("http://")
    assert (str(error), error.passing) == (f"s3://bucket/a: the store at {host}: {line}", True)


def test_nobody_there_passes_and_an_unknown_name_does_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host = f"127.0.0.1:{listening.getsockname()[1]}"
    error = told(f"http://{host}")
    assert (str(error), error.passing) == (f"s3://bucket/a: the store at {host}: it refuses the connection", True)
    error = told("http://initserve.invalid")
    assert "initserve.invalid: its name" in str(error)


def test_what_keeps_two_from_talking_is_said() -> None:
    assert "which the option allow_http=true allows" in str(told("http://127.0.0.1:1", allow_http="false"))
    with answering(b"HTTP/1.1 400 Bad\r\n\r\n") as endpoint:
        error = told(endpoint.replace("http:", "https:"))
    assert "it does not speak TLS" in str(error)
    assert not error.passing


def test_whoever_has_no_credentials_is_told_so_and_what_a_clouds_machine_answers_for_them() -> None:
    error = refusal(
        OSError("Error performing PUT http://169.254.169.254/latest/api/token in 1ms - status: 403"), "s3://b"
    )
    assert str(error).startswith("s3://b: no credentials are given")
    assert not error.passing
    again = refusal(OSError("Error performing PUT http://169.254.169.254/latest/api/token in 1ms"), "s3://b")
    assert again.passing  # one that has given some before may have a hard minute


def test_nothing_secret_is_in_what_is_told_nor_in_a_trace_of_it_nor_in_what_is_sent() -> None:
    with answering(refused(403, "SignatureDoesNotMatch", SECRETS)) as endpoint:
        error = told(endpoint.replace("http://", f"http://user:{SECRET}@"))
    everything = "".join(traceback.format_exception(error)) + repr(error) + str(pickle.dumps(error))
    assert SECRET not in everything
    assert KEY not in everything


def test_an_answer_that_is_a_page_of_code_is_cut_to_its_name() -> None:
    with answering(refused(400, "A" * 500)) as endpoint:
        assert str(told(endpoint)) == "s3://bucket/a: the store did not do it (400)"


def test_it_is_the_same_once_it_was_sent_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(PlaceError("why", passing=True)))
    assert (str(error), error.passing) == ("why", True)
