"""Lets a rule call the command line with the interpreter that runs it: `python -m remixup`."""

from remixup.cli import main

main()
