"""The little that a released file may say besides its pixels: the mark, and values kept by name."""

from __future__ import annotations

MARK = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
    b"<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/"
    b"compositeWithTrainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>"
    b'</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)
"""The XMP packet of a picture with a generated face (IPTC's list of digital source types)."""
