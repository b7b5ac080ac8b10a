"""python -m service: the command `initserve`."""

from service.cli import main

main()
