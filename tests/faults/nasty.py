"""Requests that are meant badly: each with the statuses that it may be answered with."""

import base64
import gzip
import json
import struct
import zlib
from typing import Any, NamedTuple

from tests.faults.observed import MIB

JSON = {"content-type": "application/json"}
DENSE: dict[str, Any] = {"type": "dense", "shape": [3, 2]}
VERY_MANY = 2_000_000
NEARLY_ALL = 16 * MIB - 100  # bytes that a body may have


class Nasty(NamedTuple):
    """A request. `statuses` are those that are right."""

    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = JSON
    statuses: tuple[int, ...] = (400, 413, 422)


def posted(body: bytes, **headers: str) -> Nasty:
    return Nasty("POST", "/init", body, JSON | {name.replace("_", "-"): value for name, value in headers.items()})


def written(**members: Any) -> Nasty:
    return posted(json.dumps(members).encode())


def address(text: bytes) -> str:
    """Return what stands for a text in an address, as far as it may be one."""
    return base64.urlsafe_b64encode(zlib.compress(text, 9)).rstrip(b"=").decode()


def addressed(text: bytes) -> Nasty:
    return Nasty("GET", f"/weights/{address(text)}.json")


ONE = b'{"name":"a","shape":[1000,1000],"type":"tensor"}'
TENSOR = b'{"algorithm":"initserve/1","layers":[' + ONE + b'],"layout":"keras","seed":"1"}'


def with_headers(**headers: str) -> Nasty:
    """Return a request for a file with headers that nobody would send."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Nasty("GET", f"/weights/{address(TENSOR)}.npz", b"", sent, (200, 206, 304, 400, 404, 406, 412, 416, 431))


BODIES: dict[str, Nasty] = {
    "an answer of a terabyte": written(layers=[{"type": "dense", "shape": [500_000, 500_000]}]),
    "a size beyond 63 bits": written(layers=[{"type": "dense", "shape": [2**63, 2]}]),
    "eight sizes whose product is beyond counting": written(layers=[{"type": "tensor", "shape": [2**31 - 1] * 8}]),
    "20,000 bad layers": posted(b'{"layers": [' + b",".join([b"{}"] * 20_000) + b"]}"),
    "100,000 layers of a type that there is not": posted(
        b'{"layers":[' + b",".join([b'{"type":"dens"}'] * 100_000) + b"]}"
    ),
    "100,000 layers of a scheme that there is not": posted(
        b'{"layers":[' + b",".join([b'{"type":"dense","shape":[3,2],"scheme":"he_nromal"}'] * 100_000) + b"]}"
    ),
    "10,000 layers, each wrong in 55 ways": posted(
        b'{"layers":['
        + b",".join([b'{"type":"dense","shape":[1,1],' + b",".join(b'"k%d":1' % n for n in range(55)) + b"}"] * 10_000)
        + b"]}"
    ),
    "millions of numbers": posted(b"[" + b"1," * VERY_MANY + b"1]"),
    "millions of fractions": posted(b"[" + b"1.5," * VERY_MANY + b"1]"),
    "millions of sizes": posted(b'{"layers":[{"type":"tensor","shape":[' + b"1," * VERY_MANY + b"1]}]}"),
    "millions of texts": posted(b"[" + b'"",' * VERY_MANY + b'""]'),
    "millions of nulls": posted(b"[" + b"null," * VERY_MANY + b"null]"),
    "a million arrays": posted(b"[" + b"[]," * (VERY_MANY // 2) + b"[]]"),
    "a million objects": posted(b"[" + b"{}," * (VERY_MANY // 2) + b"{}]"),
    "a million members": posted(b"{" + b",".join(b'"%d":1' % n for n in range(1_000_000)) + b"}"),
    "a million members of texts": posted(b"{" + b",".join(b'"%d":""' % n for n in range(1_000_000)) + b"}"),
    "one name a million times": posted(b"{" + b",".join([b'"b":1'] * 1_000_000) + b"}"),
    "integers of 4,000 digits": posted(b"[" + b",".join([b"9" * 4000] * 4000) + b"]"),
    "integers of 300 digits": posted(b"[" + b",".join([b"9" * 300] * 54_000) + b"]"),
    "an integer of megabytes": posted(b'{"seed":' + b"9" * NEARLY_ALL + b"}"),
    "a fraction of megabytes": posted(b'{"seed":0.' + b"9" * NEARLY_ALL + b"}"),
    "an exponent of megabytes": posted(b'{"seed":1e' + b"9" * NEARLY_ALL + b"}"),
    "a text of megabytes": posted(b'{"layers":"' + b"a" * NEARLY_ALL + b'"}'),
    "a text of escapes": posted(b'{"layers":"' + b"\\n" * (NEARLY_ALL // 2) + b'"}'),
    "a text of halves": posted(b'{"layers":"' + b"\\ud800" * 100_000 + b'"}'),
    "half a pair behind a large model": posted(
        json.dumps({"layers": [DENSE] * 50_000}).encode()[:-1] + b',"x":"\\ud800"}'
    ),
    "megabytes of blanks": posted(b" " * NEARLY_ALL),
    "megabytes of blanks and a slip": posted(b" " * NEARLY_ALL + b"x"),
    "a slip at the end of megabytes": posted(b'"' + b"a" * NEARLY_ALL + b"\xff"),
    "arrays in arrays": posted(b"[" * NEARLY_ALL),
    "100,000 arrays in arrays": posted(b'{"layers":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "objects in objects": posted(b'{"a":' * 3_000_000),
    "UTF-16": posted(json.dumps({"layers": [DENSE]}).encode("utf-16")),
    "a byte order mark": posted(b"\xef\xbb\xbf{}"),
    "a number that is none": posted(b'{"seed": NaN}'),
    "a number beyond all": posted(b'{"seed": 1e999}'),
    "a name twice": posted(b'{"seed": 1, "seed": 2}'),
    "a listing of 200,000 faults": written(tensors={f"a{n}": "x" for n in range(200_000)}),
    "a listing of 20,000 tensors unlike each other": written(tensors={f"a{n}.weight": [3, 2] for n in range(20_000)}),
    "a config of 300,000 members": written(config={f"a{n}": n for n in range(300_000)}),
    "100,000 rules": written(layers=[DENSE], rules=[{"match": "*", "scheme": "zeros"}] * 100_000),
    "rules of many stars": written(layers=[{**DENSE, "name": "a" * 128}], rules=[{"match": "*a" * 99, "scheme": "x"}]),
    "what inflates without end": posted(gzip.compress(b" " * 200 * MIB), content_encoding="gzip"),
    "what inflates to zeros": posted(gzip.compress(b"\0" * 15 * MIB), content_encoding="gzip"),
}  # fmt: skip

OCTETS = {"content-type": "application/octet-stream"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
PATHS = "/api/models/init/gpt2-small/paths-info/main"


def headed(header: bytes) -> Nasty:
    """Return a safetensors file with this header and no more."""
    return Nasty("POST", "/verify", struct.pack("<Q", len(header)) + header, OCTETS)


FILES: dict[str, Nasty] = {
    "a header of blanks": headed(b"{" + b" " * 24_000_000 + b"}"),
    "a header of one name": headed(b'{"' + b"a" * 24_000_000 + b'":1}'),
    "a header of 50,000 tensors": headed(
        b"{" + b",".join(b'"a%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % n for n in range(50_000)) + b"}"
    ),
    "an array that ends too soon": Nasty("POST", "/verify", b"\x93NUMPY\2\0" + struct.pack("<I", 2**31), OCTETS),
    "paths of escapes": Nasty("POST", PATHS, b"paths=" + b"%41" * 5_000_000, FORM),
    "a million paths": Nasty("POST", PATHS, b"paths=a&" * 1_000_000, FORM),
    "a million paths as JSON": Nasty("POST", PATHS, b'{"paths":[' + b'"a",' * 1_000_000 + b'"b"]}', JSON),
}  # fmt: skip

ADDRESSES: dict[str, Nasty] = {
    "an address of a long text": addressed(b'{"algorithm":"initserve/1","seed":"' + b"a" * 4_000_000 + b'"}'),
    "an address of blanks": addressed(b'{"algorithm":"initserve/1",' + b" " * 4_000_000 + b'"seed":"1"}'),
    "an address of digits": addressed(b'{"a":' + b"9" * 4_000_000 + b"}"),
    "an address of a fraction": addressed(b'{"a":0.' + b"9" * 4_000_000 + b"}"),
    "an address of escapes": addressed(b'{"a":"' + b"\\n" * 2_000_000 + b'"}'),
    "an address that is deep": addressed(b'{"a":' * 5000 + b"1" + b"}" * 5000),
    "an address of empty arrays": addressed(
        b'{"algorithm":"initserve/1","layers":[' + b"[]," * 8000 + b'[]],"seed":"1"}'
    ),
    "a slice of many axes": Nasty("GET", f"/weights/{address(TENSOR)}/a/value.npy?slice={'0,' * 3000}"),
    "a slice of new axes": Nasty("GET", f"/weights/{address(TENSOR)}/a/value.npy?slice={'None,' * 70}0"),
    "a key of thousands": Nasty("GET", f"/weights/{address(TENSOR)}/{'k' * 1900}.npy", statuses=(404,)),
    "a query of thousands": Nasty("POST", "/init?" + "a&" * 3900, b"{}", JSON),
    "a query of escapes": Nasty("POST", "/init?" + "%41" * 2600, b"{}", JSON),
    "a name of thousands": Nasty("GET", "/schemes/" + "a" * 8000, statuses=(404,)),
    "a model of thousands": Nasty("GET", "/api/models/init/" + "gpt2-" * 1500, statuses=(404,)),
    "a model of many dashes": Nasty("GET", f"/init/{'x-' * 3000}/resolve/main/config.json", statuses=(404,)),
    "a revision that there is not": Nasty("GET", f"/init/gpt2-small/resolve/{'f' * 40}/config.json", statuses=(404,)),
    "a path of dots": Nasty("GET", "/docs/" + "..%2f" * 1600, statuses=(404,)),
    "a path of slashes": Nasty("GET", "/a" + "/" * 8000, statuses=(404,)),
}  # fmt: skip

HEADERS: dict[str, Nasty] = {
    "900 ranges": with_headers(range="bytes=" + ",".join(f"{n}-{n}" for n in range(900))),
    "64 ranges that overlap": with_headers(range="bytes=" + ",".join(["0-"] * 64)),
    "ranges that are reversed": with_headers(range="bytes=" + ",".join(["9-1"] * 60)),
    "no last byte": with_headers(range="bytes=-0"),
    "a range beyond 63 bits": with_headers(range=f"bytes={2**63}-{2**64}"),
    "a range of digits": with_headers(range="bytes=" + "9" * 8000 + "-"),
    "a range of commas": with_headers(range="bytes=" + "," * 8000),
    "a range of another unit": with_headers(range="furlongs=0-1"),
    "types without end": with_headers(accept=",".join(["a/b;q=0.1"] * 800)),
    "types of commas": with_headers(accept="," * 8000),
    "types of parameters": with_headers(accept="a/b" + ";" * 8000),
    "types of quotes": with_headers(accept='a/b;q="' + "\\" * 8000),
    "tags without end": with_headers(if_none_match='"a",' * 2000),
    "tags that are not closed": with_headers(if_match='"' * 8000),
    "digests without end": with_headers(want_repr_digest="sha-256=" * 900),
    "addresses of others without end": with_headers(x_forwarded_for="1.2.3.4," * 1000),
    "an address of no end": with_headers(x_forwarded_for="1" * 8000),
    "keys of no end": with_headers(authorization="Bearer " + "a" * 8000),
    "an identity of no end": with_headers(x_request_id="a" * 8000),
    "a trace that is none": with_headers(traceparent="00-" * 2600),
    "boundaries without end": Nasty(
        "POST", "/verify", b"--", {"content-type": "multipart/form-data" + "; boundary" * 800}, (400, 415, 422)
    ),
}  # fmt: skip

ALL = BODIES | FILES | ADDRESSES | HEADERS
