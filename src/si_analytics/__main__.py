"""`python -m si_analytics` is the command `si`."""

from si_analytics.cli import main

if __name__ == "__main__":
    main()
