"""ResNet-50 as torchvision has it, with a block's last scale at 1 or at 0."""

from dataclasses import replace

from service.networks.families import torchvision_resnet

FAMILY = replace(
    torchvision_resnet.FAMILY,
    model_type="resnet50",
    summary="ResNet-50 of torchvision: convolutions N(0, 2 / fan_out), fc U(±1 / √fan_in), a last scale 1 or 0.",
    references=("He et al. 2015", "Goyal et al. 2017"),
    sizes={"imagenet": {}, "zero_init_residual": {"zero_init_residual": True}},
)
