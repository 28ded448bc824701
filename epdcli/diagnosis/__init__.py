"""What works on this machine, found out by trying it, and what to do about the rest."""
