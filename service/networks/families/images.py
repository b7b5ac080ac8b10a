"""Images: their height and width in a config, and the patches that they are cut into."""

from service.networks.families.settings import Settings


def sides(c: Settings, name: str) -> tuple[int, int]:
    """Return height and width, which a config states as one number or two."""
    if isinstance(c.stated(name), int):
        return (c.size(name),) * 2
    sizes = c.sizes(name)
    if len(sizes) != 2:
        c.refuse(name, "one number or two")
    return sizes[0], sizes[1]


def patches(image: tuple[int, int], patch: tuple[int, int]) -> int:
    """Return how many whole patches an image is cut into; what is left at its edges is not read."""
    return (image[0] // patch[0]) * (image[1] // patch[1])
