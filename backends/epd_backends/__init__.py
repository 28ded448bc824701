"""Runtimes that run the networks, each found through its entry point in the group `epd.backends`."""
