"""What an operator may set: INITSERVE_* in the environment. docs/settings.md is made from this file."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 2**20
GIB = 2**30


class Settings(BaseSettings):
    """Frozen; read once, at start-up, and passed down."""

    model_config = SettingsConfigDict(env_prefix="INITSERVE_", frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for every interface.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port; 0 takes a free one.")
    max_body_bytes: int = Field(
        MIB, ge=1024, description="Bytes of a request body. A spec of 1,024 layers takes a quarter of the default."
    )
    body_timeout_seconds: float = Field(
        10.0, gt=0, description="Seconds in which a request body must have come; the server itself waits for ever."
    )
    max_layers: int = Field(1024, ge=1, le=1024, description="Layers of a spec.")
    max_elements: int = Field(
        2**35, ge=1, description="Elements of an answer; statistics of everything cost time, not bytes."
    )
    max_json_bytes: int = Field(
        256 * MIB,
        ge=1,
        description="Bytes of weights in a JSON answer; base64 adds a third, and clients hold it whole.",
    )
    max_binary_bytes: int = Field(
        64 * GIB, ge=1, description="Bytes of weights in an npy, npz or safetensors answer, made as it is sent."
    )
    max_operations: int = Field(
        2**38,
        ge=1,
        description="Operations before a matrix's first number is known, summed over an answer; 2^33 take about 0.2 s.",
    )
    max_standing_bytes: int = Field(
        GIB, ge=1, description="Bytes of memory for a parameter that must be made as a whole: matrices and tables."
    )
    max_diagnosis_operations: int = Field(
        2**33,
        ge=1,
        description="Multiplications of a diagnosis's pass forward, weights times places times examples; 2^33 take "
        "about a second, and as much again for the way back. One is made at a time, in a gigabyte or so at the most.",
    )
    max_bytes_in_flight: int = Field(
        2 * GIB,
        ge=64 * MIB,
        description="Bytes of memory that requests and answers under way may hold together; more are answered 503. An "
        "answer holds at most 8 MiB and what must be made as a whole, whatever its length.",
    )
    send_timeout_seconds: float = Field(
        60.0,
        gt=0,
        description="Seconds in which a client must take a chunk of 1 MiB or so; one that stalls is cut off.",
    )
    shutdown_seconds: int = Field(
        25, ge=0, description="Seconds that answers under way have to end after SIGTERM; then they are broken off."
    )
    drawing_threads: int = Field(
        0, ge=0, description="Threads that draw values; 0 takes one a processor. Kernels release Python's lock."
    )


def settings_table() -> str:
    """Return docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Read from the environment at start-up. Made by `make openapi` from `service/settings.py`.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = f"{field.default:,}" if isinstance(field.default, int) and name != "port" else field.default
        lines.append(f"| `INITSERVE_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"
