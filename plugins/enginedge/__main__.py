"""``python -m enginedge``: the command line without its script."""

from enginedge.cli import main

main()
