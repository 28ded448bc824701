"""`python -m epdcli` is `epd`."""

from epdcli.commands import main

if __name__ == "__main__":
    main()
