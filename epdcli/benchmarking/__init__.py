"""How long each part takes, on each runtime, and how much of what the machine can do that is."""
