"""The generator's own room: its network, its losses, its data and its training loop."""
