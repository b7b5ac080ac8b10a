"""What an operator may set: INITSERVE_* in the environment. docs/settings.md is made from this file."""

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 2**20
GIB = 2**30
LEAST_MEMORY = 64 * MIB  # of a process, for what is under way
# Of a field that is a limit of all processes together: each has an equal share.
SHARED: JsonDict = {"shared": True}


class Settings(BaseSettings):
    """Frozen; read once, at start-up, and passed down."""

    model_config = SettingsConfigDict(env_prefix="INITSERVE_", frozen=True, extra="forbid")

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on; 0.0.0.0 for every interface. Left empty: the Unix domain socket alone.",
    )
    port: int = Field(8000, ge=0, le=65535, description="TCP port; 0 takes a free one.")
    socket: str = Field(
        "",
        description="Path of a Unix domain socket to listen on as well, for a proxy or a sidecar on the same machine. "
        "Its owner and group may connect (mode 660). One that a dead process has left is replaced.",
    )
    trusted_proxies: str = Field(
        "",
        description="Proxies that are believed when they say in `X-Forwarded-For` who came to them: addresses and "
        "networks with commas between (`10.0.0.0/8,fd00::/8`), `unix` for whoever comes over a Unix socket. Left "
        "empty: none is, and every client of a proxy is the same one.",
    )
    processes: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes that serve, all on the same port and socket; a parent starts them, replaces one that "
        "ends, and on SIGHUP each of them in turn. Python runs on one processor a process, drawing on all. What the "
        "limits say of all processes together is shared out equally.",
    )
    api_keys_file: str = Field(
        "",
        description="A file of API keys: a line for each, as `initserve keys new NAME` prints it, with a digest in the "
        "key's place. Read anew when it changes ([keys.md](keys.md)). Left empty: there are none.",
    )
    open_scopes: str = Field(
        "read,weights,heavy,specs,metrics",
        description="What clients may do that have no key: `read` (pages, catalogue, document), `weights` (weights, "
        "plans, the Hub), `heavy` (diagnoses, trainings, comparisons of files), `specs` (keeping specs), `metrics`.",
    )
    cors_origins: str = Field(
        "",
        description="Origins whose pages may read what is here, with commas between (`https://example.org`), or `*` "
        "for all. Left empty: only the service's own pages may.",
    )
    operations_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="A port for operators, beside the other: it alone has /metrics, /docs and the API's document then, "
        "and asks for no key for them. 0 for none.",
    )
    max_body_bytes: int = Field(
        16 * MIB,
        ge=1024,
        description="Bytes of a request body, and of what one that is compressed inflates to. A listing of 45,000 "
        "tensors takes a quarter of the default, 100,000 layers with their schemes three quarters.",
    )
    body_timeout_seconds: float = Field(
        10.0, gt=0, description="Seconds to receive a whole body; uvicorn has no limit of its own."
    )
    max_file_bytes: int = Field(
        64 * GIB,
        ge=1024,
        description="Bytes of a file that /verify compares, as it is sent and as it inflates. It is read as it comes, "
        "in a few MiB of memory.",
    )
    upload_timeout_seconds: float = Field(
        60.0,
        gt=0,
        description="Seconds of a client's slowness in sending a file that are borne: each second in which it is "
        "waited for costs one, each second's worth of bytes at the least rate earns one back.",
    )
    min_receive_bytes_per_second: int = Field(
        32 * 1024,
        ge=1,
        description="The least rate at which a client must send a file, in the long run: 256 kbit/s. What is compared "
        "holds memory until then.",
    )
    header_timeout_seconds: float = Field(
        10.0, gt=0, description="Seconds to receive a whole request line with its headers, from its first byte on."
    )
    keep_alive_seconds: float = Field(
        75.0,
        gt=0,
        description="Seconds that a connection may stay without a request, one that never sent any included. Clients "
        "keep theirs for a minute or so: a server that closes sooner resets them in mid-request.",
    )
    max_connections: int = Field(
        4096,
        ge=1,
        json_schema_extra=SHARED,
        description="Connections at once, or fewer where the process may not open so many files. Beyond it the one "
        "that has been idle for longest is closed for a new one; where none is idle, the new one gets a 503.",
    )
    max_layers: int = Field(100_000, ge=1, le=100_000, description="Layers of a spec.")
    max_elements: int = Field(
        2**35,
        ge=1,
        description="Elements of an answer; also bounds include=statistics, which sends little but draws all.",
    )
    max_json_bytes: int = Field(
        256 * MIB,
        ge=1,
        description="Bytes of weights in a JSON answer; base64 adds a third, and clients hold it whole.",
    )
    max_binary_bytes: int = Field(
        64 * GIB, ge=1, description="Bytes of weights in an npy, npz or safetensors answer, made as it is sent."
    )
    max_processor_seconds: float = Field(
        16.0,
        gt=0,
        description="Seconds of a processor that one request may take: before an answer's first number, and a "
        "diagnosis or a training in all. Known before it begins, in seconds of a server's core of this decade "
        "(service/prices); what is drawn as it is sent has MAX_ELEMENTS.",
    )
    max_standing_bytes: int = Field(
        GIB, ge=1, description="Bytes of memory for a parameter that must be made as a whole: matrices and tables."
    )
    max_bytes_in_flight: int = Field(
        2 * GIB,
        ge=LEAST_MEMORY,
        json_schema_extra=SHARED,
        description="Bytes of memory that requests and answers under way may hold together; more are answered 503. An "
        "answer holds at most 8 MiB, whatever its length; a quarter is left for small requests and answers.",
    )
    max_standing_bytes_in_flight: int = Field(
        2 * GIB,
        ge=1,
        json_schema_extra=SHARED,
        description="Bytes of memory that parameters made as a whole, and diagnoses, may hold together, beside the "
        "former; held until their answer is sent.",
    )
    max_kept_plan_bytes: int = Field(
        128 * MIB,
        ge=0,
        json_schema_extra=SHARED,
        description="Bytes of memory for plans of addresses, kept so that the next range of a file need not plan it "
        "again; one of 1,000 layers takes some 16 MiB.",
    )
    max_heavy_requests: int = Field(
        16,
        ge=1,
        json_schema_extra=SHARED,
        description="Diagnoses and trainings at once, waiting ones included, and matrices that wait to be made; more "
        "are answered 503. Each takes up to some twenty seconds of one thread.",
    )
    max_waiting_jobs: int = Field(
        512,
        ge=1,
        json_schema_extra=SHARED,
        description="Requests that wait for a thread to read and plan them, some milliseconds each; more are answered "
        "503.",
    )
    max_requests_per_client: int = Field(
        64,
        ge=1,
        json_schema_extra=SHARED,
        description="Requests that one client may have under way, waiting ones included; more are answered 429. A "
        "client is who has an address, or a /64 of IPv6: behind a proxy that INITSERVE_TRUSTED_PROXIES does not name, "
        "all are one.",
    )
    max_processor_seconds_per_minute: float = Field(
        0.0,
        ge=0,
        json_schema_extra=SHARED,
        description="Seconds of a processor that one client may use a minute; more is answered 429, by its price "
        "before it begins. 0 sets no bound: whoever waits then shares what there is evenly.",
    )
    stuck_seconds: float = Field(
        120.0,
        gt=0,
        description="Seconds without any movement in a line of waiting requests after which /readyz answers 503. "
        "Nothing that is admitted takes so long.",
    )
    send_timeout_seconds: float = Field(
        60.0,
        gt=0,
        description="Seconds of a client's slowness that are borne: each second in which it makes an answer wait costs "
        "one, each second's worth of bytes at the least rate earns one back. One that used them up is cut off.",
    )
    min_send_bytes_per_second: int = Field(
        32 * 1024,
        ge=1,
        description="The least rate at which a client must take an answer, in the long run: 256 kbit/s. What it is "
        "sent holds memory until then.",
    )
    specs: str = Field(
        "",
        description="Where specs are kept that no address can hold, for good: a directory, or the URL of an object "
        "store (`s3://bucket/folder`, `gs://…`, `az://…`; credentials and endpoints as the environment has them). "
        "Replicas may share it. Left empty: such specs have no links, and `POST /specs` keeps nothing.",
    )
    max_specs_bytes: int = Field(
        GIB,
        ge=1,
        description="Bytes of specs that are kept; then no more are, and none is ever dropped, since addresses name "
        "them. Up to 16 replicas that share a store stay within it, but for a spec or two each.",
    )
    drain_seconds: float = Field(
        0.0,
        ge=0,
        description="Seconds after SIGTERM in which new requests are still answered, while `/readyz` says 503: as long "
        "as it takes until no load balancer sends any. After that they get a 503. Part of `SHUTDOWN_SECONDS`.",
    )
    shutdown_seconds: int = Field(
        25, ge=0, description="Seconds that answers under way have to end after SIGTERM; then they are broken off."
    )
    drawing_threads: int = Field(
        0,
        ge=0,
        description="Threads that draw values; 0 takes one a processor. Kernels release Python's lock. Of all "
        "processes together, but at least one of each.",
    )
    telemetry: bool = Field(
        False,
        description="Whether requests are told of as spans of OpenTelemetry (`pip install 'initserve[otel]'`), sent "
        "where `OTEL_EXPORTER_OTLP_ENDPOINT` says; without it, and without a store elsewhere, no connection is ever "
        "opened.",
    )
    log_format: Literal["text", "json", "logfmt"] = Field(
        "text",
        description="How logs are written, to standard error: `text` for people, `json` or `logfmt`, a line a record. "
        "[operating.md](operating.md) has what they say.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least grave of what is logged. Requests are logged as `info`."
    )

    @model_validator(mode="after")
    def _refuse_shares_too_small(self) -> Self:
        if self.max_bytes_in_flight < LEAST_MEMORY * self.processes:
            least = f"{LEAST_MEMORY * self.processes:,}"
            raise ValueError(f"max_bytes_in_flight is shared by {self.processes} processes: at least {least} bytes")
        return self


def is_shared(name: str) -> bool:
    """Whether a setting is a limit of all processes together."""
    return Settings.model_fields[name].json_schema_extra == SHARED


def variable_of(name: str) -> str:
    """Return the variable of the environment that sets a field of Settings."""
    return f"INITSERVE_{name.upper()}"


def flag_of(name: str) -> str:
    """Return the flag of the command line that sets a field of Settings."""
    return f"--{name.replace('_', '-')}"


def meaning_of(name: str) -> str:
    """Return what a setting is, and whether it is a limit of all processes together."""
    return f"{Settings.model_fields[name].description}{' Of all processes together.' if is_shared(name) else ''}"


def shown_default(name: str, field: FieldInfo) -> str:
    """Return what a setting is where nothing sets it, as people read numbers."""
    number = isinstance(field.default, int) and not isinstance(field.default, bool) and "port" not in name
    return f"{field.default:,}" if number else str(field.default)


def settings_table() -> str:
    """Return docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Read at start-up from the environment and from the flags of `initserve serve`, which go before it.",
        "`initserve doctor`, with the same flags, says what is wrong with them where it runs.",
        "",
        "This page is made by `make openapi` from `service/settings.py`.",
        "",
        "| variable | flag | default | meaning |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        set_by = f"`{variable_of(name)}` | `{flag_of(name)}`"
        lines.append(f"| {set_by} | {shown_default(name, field)} | {meaning_of(name)} |")
    return "\n".join(lines) + "\n"
