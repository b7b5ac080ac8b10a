"""What the programs for torchrun have in common: arguments, a model without memory, and what becomes of it."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed import DeviceMesh, init_device_mesh
from torch.distributed.checkpoint import HuggingFaceStorageReader, load
from torch.distributed.tensor import DTensor
from transformers import AutoConfig, AutoModelForCausalLM


def arguments(description: str) -> ArgumentParser:
    parser = ArgumentParser(description=description)
    parser.add_argument("spec", type=lambda path: json.loads(Path(path).read_text()), help="a causal model's spec")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="of the service")
    parser.add_argument("--checkpoint", type=Path, help="a folder of `initserve materialize`, to compare with")
    return parser


def in_groups(groups: int, names: tuple[str, str]) -> DeviceMesh:
    """Return all ranks as a mesh of so many groups, all of one size."""
    ranks = dist.get_world_size()
    if not 1 <= groups <= ranks or ranks % groups:
        raise SystemExit(f"{ranks} ranks do not make {groups} groups of one size")
    return init_device_mesh("cpu", (groups, ranks // groups), mesh_dim_names=names)


def on_meta(spec: dict[str, Any]) -> Any:
    """Return the model that a spec describes, without memory."""
    config = AutoConfig.for_model(spec["recipe"], **spec["config"])
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, dtype=getattr(torch, spec.get("dtype", "float32")))


def compare(model: nn.Module, folder: Path) -> str:
    """Compare with a checkpoint, bit for bit, of which torch reads this rank's part alone; return what came of it."""
    ours = dict(model.named_parameters())
    theirs = {name: torch.empty_like(parameter) for name, parameter in ours.items()}
    load(theirs, storage_reader=HuggingFaceStorageReader(str(folder)))
    different = [name for name, parameter in ours.items() if bits(parameter) != bits(theirs[name])]
    for rank, names in enumerate(of_all_ranks(different)):
        if names:
            raise SystemExit(f"rank {rank} holds another {names[0]} than {folder}")
    return f"equal to {folder}, bit for bit: {len(ours)} arrays"


def of_all_ranks(value: Any) -> list[Any]:
    found: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(found, value)
    return found


def bits(parameter: torch.Tensor) -> bytes:
    return bytes(of_rank(parameter).contiguous().view(torch.uint8).numpy())


def of_rank(parameter: torch.Tensor) -> torch.Tensor:
    """Return what this rank has of a parameter."""
    return (parameter.to_local() if isinstance(parameter, DTensor) else parameter).detach()


def tell(model: nn.Module, told: Namespace) -> None:
    """Compare, train a step, and let the first rank print how much each rank holds, and what came of it."""
    held = sum(of_rank(each).nbytes for each in model.parameters())
    lines = [f"rank {rank} holds {each:,} bytes" for rank, each in enumerate(of_all_ranks(held))]
    lines += [f"of {sum(each.numel() * each.itemsize for each in model.parameters()):,}"]
    if told.checkpoint is not None:
        lines += [compare(model, told.checkpoint)]
    lines += ["loss {:.2f}, after a step {:.2f}".format(*losses(model))]
    if dist.get_rank() == 0:
        print("\n".join(lines))


def losses(model: nn.Module) -> tuple[float, float]:
    """Return the loss on a batch before and after a step of descent; all ranks have the same batch."""
    batch = torch.randint(model.config.vocab_size, (2, 32), generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, foreach=False)
    before = model(input_ids=batch, labels=batch).loss
    before.backward()
    optimizer.step()
    with torch.no_grad():
        after = model(input_ids=batch, labels=batch).loss
    return before.item(), after.item()
