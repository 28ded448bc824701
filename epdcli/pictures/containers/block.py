"""What a container's parser reports: every piece of a file that isn't needed to show its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a piece is. Only the first four can ever be released, and only as we would write them."""

    RESOLUTION = "resolution"
    PROFILE = "profile"
    XMP = "xmp"
    EXIF = "exif"
    METADATA = "metadata"
    PICTURE = "picture"
    TRAILER = "trailer"
    STRAY = "stray bytes"
    HIDDEN = "hidden pixels"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Block:
    """A piece of a file: what it is, where it is, and its bytes (of an XMP or EXIF block: the packet)."""

    kind: Kind
    where: str
    content: bytes = b""
    detail: str = ""
