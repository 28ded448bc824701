"""The networks in other people's files: written, described from inside, and compared before they are kept."""
