"""Faces: detection, alignment, structure, identity codes, pasting, verification."""
