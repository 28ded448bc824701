"""Files to arrays and back, and what hides in a file."""

from __future__ import annotations

from epdcli.pictures.encoding import Encoding, Page, PictureFile
from epdcli.pictures.formats import FROM_VIDEO, SUFFIXES
from epdcli.pictures.inspect import Finding, scan
from epdcli.pictures.looks import Alpha, alpha_of, looks_of, shows_more
from epdcli.pictures.memory import MAX_PIXELS
from epdcli.pictures.metadata import SOURCE_TYPE, Keep
from epdcli.pictures.read import read
from epdcli.pictures.write import write

__all__ = [
    "FROM_VIDEO",
    "MAX_PIXELS",
    "SOURCE_TYPE",
    "SUFFIXES",
    "Alpha",
    "Encoding",
    "Finding",
    "Keep",
    "Page",
    "PictureFile",
    "alpha_of",
    "looks_of",
    "read",
    "scan",
    "shows_more",
    "write",
]
