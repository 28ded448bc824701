"""People who never existed: a bank of them, who is chosen, and how one is fitted to a face."""
