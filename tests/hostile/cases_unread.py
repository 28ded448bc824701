"""Files that may show people and can't be read: the table and the manifest name each."""

from __future__ import annotations

from .case import Case, Expect
from .planting import BYTES, box, jpeg, movie, png, second_picture

_EBML = b"\x1aE\xdf\xa3" + BYTES
_DOCUMENT = b"PK\x03\x04" + bytes(26) + b"word/media/image1.jpeg" + jpeg()

_UNREAD = [
    ("JPEG XL", ".jxl", b"\xff\x0a" + BYTES),
    ("Photoshop", ".psd", b"8BPS\0\1" + BYTES + second_picture()),
    ("SVG", ".svg", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="data:image/png;base64,"/></svg>'),
    ("burst of HEIC", ".heics", box(b"ftyp", b"hevc\0\0\0\0msf1hevc") + BYTES),
    ("video, MP4", ".mp4", movie()),
    ("video, QuickTime", ".mov", box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"mdat", BYTES)),
    ("video, iTunes", ".m4v", movie()),
    ("video, Matroska", ".mkv", _EBML),
    ("video, WebM", ".webm", _EBML),
    ("video, AVI", ".avi", b"RIFF\0\0\0\0AVI LIST" + BYTES),
    ("video, MPEG", ".mpg", b"\0\0\1\xba" + BYTES),
    ("PDF", ".pdf", b"%PDF-1.7\n" + jpeg()),
    ("PostScript", ".ps", b"%!PS-Adobe-3.0\n" + BYTES),
    ("encapsulated PostScript", ".eps", b"%!PS-Adobe-3.0 EPSF-3.0\n" + BYTES),
    ("Word document", ".docx", _DOCUMENT),
    ("presentation", ".pptx", _DOCUMENT),
    ("web page with a picture inside", ".html", b'<img src="data:image/jpeg;base64,/9j/4AAQ">'),
    ("mail with a picture attached", ".eml", b"MIME-Version: 1.0\r\nContent-Type: image/jpeg\r\n\r\n"),
    ("picture of an unknown suffix", ".bak", jpeg()),
    ("PNG of an unknown suffix", ".old", png()),
    ("upper-case suffix of a video", ".MP4", movie()),
]

CASES = [
    Case(f"unread: {title}", f"face{suffix}", lambda content=content: content, Expect.REFUSED, "unread",
         verdicts=("skipped",))
    for title, suffix, content in _UNREAD
]  # fmt: skip
