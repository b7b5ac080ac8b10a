"""What a store's error comes to: a line without anything secret, and whether trying again may help.

An error of obstore's is a page that repeats requests and answers, with names of keys and signed addresses; of it
only the status, the store's own code and the host are taken.
"""

import re
from urllib.parse import urlsplit

from service.materialize.places.place import PlaceError

CREDENTIALS = "the store does not accept the credentials"
CODES = {
    "NoSuchUpload": "the upload is gone",
    "NoSuchBucket": "there is no such bucket",
    "ContainerNotFound": "there is no such container",
    "InvalidBucketName": "this is not a name of a bucket",
    "AccessDenied": "the credentials do not allow it",
    "RequestTimeTooSkewed": "the store's clock and this machine's differ",
    "PermanentRedirect": "the bucket is in another region, which the option region names",
    "AuthorizationHeaderMalformed": "the bucket is in another region, which the option region names",
} | dict.fromkeys(
    ["InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "AuthenticationFailed"], CREDENTIALS
)
# Codes of what was damaged on the way or came too fast, some with a status that is final; an upload that is gone is
# begun anew.
PASSING = {"RequestTimeout", "OperationAborted", "ConditionalRequestConflict", "IncompleteBody", "BadDigest"}
PASSING |= {"XAmzContentSHA256Mismatch", "NoSuchUpload", "InvalidPart", "InternalError", "SlowDown"}
STATUSES = {401: CREDENTIALS, 403: "the credentials do not allow it", 404: "there is nothing of this name"}
PASSING_STATUSES = {408, 409, 425, 429, 500, 502, 503, 504}
OWN = {"169.254.169.254", "169.254.170.2", "169.254.170.23", "metadata.google.internal"}  # of a machine in a cloud
# What stands in the text of an error that has no status.
CONNECTIONS = {
    "Name or service not known": ("its name is not known", False),
    "No address associated": ("its name is not known", False),
    "dns error": ("its name cannot be looked up now", True),
    "ConnectionRefused": ("it refuses the connection", True),
    "BadScheme": ("it is asked over plain HTTP, which the option allow_http=true allows", False),
    "InvalidContentType": ("it does not speak TLS", False),
    "UnknownIssuer": ("its certificate is not one that is trusted", False),
    "InvalidCertificate": ("its certificate is not valid", False),
    "TimedOut": ("it did not answer in time", True),
}
KINDS = {  # that obstore's client has for what happened on the way
    "Timeout": "it did not answer in time",
    "Connect": "it cannot be reached",
    "Request": "the connection was cut",
    "Interrupted": "the connection was cut",
    "Unknown": "what it answers is not HTTP",
    "Decode": "what it answers is not HTTP",
}


def refusal(error: BaseException, of: str) -> PlaceError:
    """Return what is told of an error that a store gave when it was asked for `of`, a name without anything secret."""
    text = str(error)
    host, status, code = host_in(text), status_in(text), code_in(text)
    if host.partition(":")[0] in OWN:
        why = "no credentials are given, by options or by the environment, and this machine has none of its own"
        return PlaceError(f"{of}: {why}", status == 0 or status in PASSING_STATUSES)
    if status or code:
        told = CODES.get(code) or STATUSES.get(status) or "the store did not do it"
        answer = " ".join(str(each) for each in (status, code) if each)
        return PlaceError(f"{of}: {told} ({answer})", code in PASSING or status in PASSING_STATUSES)
    if "BareRedirect" in text:
        return PlaceError(f"{of}: {CODES['PermanentRedirect']}")
    store = f"the store at {host}" if host else "the store"
    for sign, (told, passing) in CONNECTIONS.items():
        if sign in text:
            return PlaceError(f"{of}: {store}: {told}", passing)
    kind = re.search(r"HttpError \{\s*kind: (\w+)", text)
    if kind and kind[1] in KINDS:
        return PlaceError(f"{of}: {store}: {KINDS[kind[1]]}", passing=True)
    return PlaceError(f"{of}: the store's client failed ({type(error).__name__})")


def status_in(text: str) -> int:
    """Return the status of the answer that an error is about; 0 where there was none."""
    found = re.search(r"\bstatus: (\d{3})\b", text) or re.search(r"status code: (\d{3})\b", text)
    return int(found[1]) if found else 0


def code_in(text: str) -> str:
    """Return the store's own code, as S3's, Google's and Azure's answers have it; nothing where there is none."""
    found = re.search(r"<Code>([A-Za-z0-9]{1,60})</Code>", text)
    return found[1] if found else ""


def host_in(text: str) -> str:
    """Return which host was asked, and its port; nothing where none is named."""
    found = re.search(r"Error performing [A-Z]+ (https?://\S+)", text)
    if not found:
        return ""
    return urlsplit(found[1]).netloc.rpartition("@")[2]
