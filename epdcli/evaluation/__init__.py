"""What attackers still learn from de-identified pictures, what is left for everybody else, the report."""
