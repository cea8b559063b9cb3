"""``python -m fusion``: the same as the program ``fusion``."""

from fusion.cli.app import main

if __name__ == "__main__":
    main()
