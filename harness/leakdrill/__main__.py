"""`python -m leakdrill` is `leakdrill`."""

from leakdrill.cli.main import main

if __name__ == "__main__":
    main()
