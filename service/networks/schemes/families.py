"""The families of schemes that make a whole array, by name; a given array may leave its rest to one of them."""

from service.networks.schemes import biases, frameworks, linear, plain, scaling, tables
from service.networks.schemes.scheme import Scheme

WHOLE: dict[str, type[Scheme]] = {
    kind.family: kind
    for module in (plain, scaling, linear, tables, biases, frameworks)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Scheme) and "family" in vars(kind)
}
