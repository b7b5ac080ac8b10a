"""Layers: one file a family; the union `Layer` is the registry.

To add one, write its file (a class with its `type`, its sizes and its `parameters`) and name it in the union.
"""

from typing import Annotated, TypeAlias

from pydantic import Field

from service.weights.layers.convolution import Conv1D, Conv2D, Conv3D
from service.weights.layers.dense import Dense
from service.weights.layers.embedding import Embedding
from service.weights.layers.tensor import Tensor

Layer: TypeAlias = Annotated[Dense | Conv1D | Conv2D | Conv3D | Embedding | Tensor, Field(discriminator="type")]
