"""What phones, editors, instruments and clever people write: whole files, each odd in one way."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from .case import Case, Expect
from .format_parts import rgb16, samples, settings
from .planting import (
    BYTES,
    MARKER,
    box,
    chunk,
    exif_with_thumbnail,
    heic,
    hidden_face,
    image,
    jpeg,
    movie,
    photoshop,
    photoshop_thumbnail,
    png,
    portrait,
    profile_with,
    saved,
    segment,
    thumbnail,
    webp,
    wide_gamut_profile,
    with_riff_chunk,
    with_segment,
    xmp,
    xmp_with_preview,
)

_XAP = b"http://ns.adobe.com/xap/1.0/\0"
_ONE_PICTURE = {"same": lambda file: len(file.encoding.pages)}


# --- JPEG ---------------------------------------------------------------------------------------


def _three_pictures() -> bytes:
    others = [image().rotate(1), hidden_face()]
    return saved(image(), "MPO", save_all=True, append_images=others, quality=90)


def _google_motion_photo() -> bytes:
    camera = 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1"'
    offset = f'{camera} GCamera:MicroVideoOffset="{len(movie())}"'
    return with_segment(0xE1, _XAP + xmp(attributes=offset)) + movie()


def _samsung_motion_photo() -> bytes:
    data = b"\0\0\x30\x0aMotionPhoto_Data" + movie()
    index = b"SEFH" + struct.pack("<IIIII", 107, 1, 0x0A300000, len(data), len(data))
    return jpeg() + data + index + struct.pack("<I", len(index)) + b"SEFT"


def _extended_xmp() -> bytes:
    """A packet that is cut in two, of which a third one says the digest."""
    body, digest = xmp_with_preview(), b"ABCDEF0123456789" * 2
    half = len(body) // 2
    data = jpeg()
    for start, part in ((half, body[half:]), (0, body[:half])):
        head = b"http://ns.adobe.com/xmp/extension/\0" + digest + struct.pack(">II", len(body), start)
        data = with_segment(0xE1, head + part, data)
    note = f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{digest.decode()}"'
    return with_segment(0xE1, _XAP + xmp(attributes=note), data)


def _content_credentials() -> bytes:
    """A C2PA manifest store too long for one segment, with a thumbnail of the claim."""
    store = box(
        b"jumb",
        box(b"jumd", b"c2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\3c2pa\0")
        + box(b"bidb", thumbnail() * 6 + BYTES),
    )
    data = jpeg()
    for number, at in enumerate(range(0, len(store), 16_000)):
        head = b"JP\0\1" + struct.pack(">I", number + 1) + store[:8]
        data = with_segment(0xEB, head + store[at : at + 16_000], data)
    return data


def _two_exif_thumbnails() -> bytes:
    whole = saved(image(), "JPEG", quality=90, exif=exif_with_thumbnail(">"))
    return with_segment(0xE1, exif_with_thumbnail(), whole)


def _behind_the_frame_header() -> bytes:
    at = jpeg().index(b"\xff\xc4")
    hidden = segment(0xE1, exif_with_thumbnail()) + segment(0xED, photoshop_thumbnail())
    return jpeg()[:at] + hidden + jpeg()[at:]


def _two_blocks_of_photoshop() -> bytes:
    exif_inside = photoshop(0x0422, exif_with_thumbnail()[6:])
    return with_segment(0xED, exif_inside, with_segment(0xED, photoshop_thumbnail()))


def _adobe_rgb() -> bytes:
    block = Image.Exif()
    block.get_ifd(0x8769).update({0xA001: 0xFFFF, 0xA005: {1: "R03"}})
    return saved(image(), "JPEG", quality=90, exif=block)


def _profile_pieces(order: Callable[[int], range]) -> bytes:
    profile = profile_with(b"A2B9", b"data\0\0\0\0" + bytes(150_000), wide_gamut_profile())
    pieces = [profile[at : at + 60_000] for at in range(0, len(profile), 60_000)]
    data = jpeg()
    for number in reversed(order(len(pieces))):
        head = b"ICC_PROFILE\0" + bytes((number + 1, len(pieces)))
        data = with_segment(0xE2, head + pieces[number], data)
    return data


def _inks_without_a_word() -> bytes:
    """CMYK that no Adobe segment calls inverted."""
    data = saved(image("CMYK"), "JPEG", quality=90)
    at = data.index(b"\xff\xee")
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]


def _cropped_by_its_header() -> bytes:
    """Blocks of 288 x 288 pixels, and a header that says 281 x 281."""
    data = bytearray(saved(image(), "JPEG", quality=90, subsampling=0))
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, 281, 281)
    return bytes(data)


def _lines_counted_at_the_end() -> bytes:
    """A height of 0 in the header, and the true one in a segment after the scan (DNL)."""
    data = bytearray(jpeg())
    struct.pack_into(">H", data, data.index(b"\xff\xc0") + 5, 0)
    return bytes(data[:-2]) + b"\xff\xdc\0\4\x01\x20\xff\xd9"


def _filled_up() -> bytes:
    at = jpeg().index(b"\xff\xdb")
    return jpeg()[:at] + b"\xff" * 7 + jpeg()[at:]


JPEG = [
    ("three pictures (MPO)", _three_pictures, {}),
    ("motion photo as Google's phones write it", _google_motion_photo, {}),
    ("motion photo as Samsung's phones write it", _samsung_motion_photo, {}),
    ("extended XMP in two parts", _extended_xmp, {}),
    ("content credentials in many segments", _content_credentials, {}),
    ("two EXIF blocks, each with a thumbnail", _two_exif_thumbnails, {}),
    ("EXIF and Photoshop behind the frame's header", _behind_the_frame_header, {}),
    ("two Photoshop blocks, one with EXIF inside", _two_blocks_of_photoshop, {}),
    ("Adobe RGB that only EXIF names", _adobe_rgb, {}),
    ("profile in pieces, the last one first", partial(_profile_pieces, lambda n: range(n - 1, -1, -1)), {}),
    ("profile of which a piece is missing", partial(_profile_pieces, lambda n: range(n - 1)), {}),
    ("CMYK without an Adobe segment", _inks_without_a_word, {}),
    ("cropped by its header alone", _cropped_by_its_header, {}),
    ("height given after the scan", _lines_counted_at_the_end, {"expect": Expect.EITHER}),
    ("fill bytes before a marker", _filled_up, {}),
    (
        "quantisation tables of 16 bits",
        lambda: saved(image(), "JPEG", qtables=[[300] * 64] * 2),
        {"decibels": 30.0, "verdicts": ("pass", "no_face", "withheld")},
    ),
]

# --- PNG, WebP, GIF, BMP ------------------------------------------------------------------------


def _operations() -> bytes:
    """An APNG whose frames are laid over, cleared and put back."""
    dot = Image.new("RGBA", (288, 288), (0, 0, 0, 0))
    dot.paste((255, 0, 0, 255), (230, 230, 280, 280))
    frames = [image("RGBA"), dot, image("RGBA").rotate(4)]
    options = {"duration": [50, 60, 70], "disposal": [1, 2, 0], "blend": [0, 1, 0]}
    return saved(frames[0], "PNG", save_all=True, append_images=frames[1:], **options)


def _more_frames_than_counted() -> bytes:
    others = [image().rotate(5), image().rotate(9)]
    data = saved(image(), "PNG", save_all=True, append_images=others, duration=100)
    at = data.index(b"acTL") - 4
    return data[:at] + chunk(b"acTL", struct.pack(">II", 1, 0)) + data[at + 20 :]


def _words_at_the_end() -> bytes:
    at = png().rindex(b"IEND") - 4
    words = chunk(b"eXIf", exif_with_thumbnail()[6:]) + chunk(b"tEXt", b"Comment\0" + BYTES)
    return png()[:at] + words + png()[at:]


def _grey_with_a_key() -> bytes:
    rows = samples(1, 16).astype(">u2").reshape(288, -1).view(np.uint8)
    return (
        png()[:8]
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 288, 288, 16, 0, 0, 0, 0))
        + chunk(b"tRNS", b"\x12\x34")
        + chunk(b"IDAT", zlib.compress(np.insert(rows, 0, 0, axis=1).tobytes()))
        + chunk(b"IEND", b"")
    )


def _frames_that_hide() -> bytes:
    """An animation each of whose frames holds the face under full transparency."""
    frames = []
    for number in range(3):
        pixels = np.dstack([np.hstack([portrait(), portrait()]), np.full((288, 576), 255, np.uint8)])
        pixels[:, 288:, 3] = 0
        pixels[:20, :20, :3] = 80 * number
        frames.append(Image.fromarray(pixels))
    options = {"lossless": True, "exact": True, "duration": 80}
    return saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], **options)


def _mixed_webp() -> bytes:
    others = [image().rotate(3)]
    return saved(image(), "WEBP", save_all=True, append_images=others, allow_mixed=True, duration=50)


def _hardly_changing() -> bytes:
    """An opaque animation of which most stays: an encoder leaves that clear in the later frames."""
    frames = [image() for _ in range(3)]
    for number, frame in enumerate(frames):
        frame.paste((0, 90 * number, 200), (0, 0, 30, 30))
    options = {"lossless": True, "duration": 60}
    return saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], **options)


def _clear_margin() -> bytes:
    picture = image("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 288, 30))
    return saved(picture, "GIF")


def _behind_the_last_code() -> bytes:
    """A GIF whose pixels end before their data do."""
    data, hidden = saved(image().quantize(64), "GIF"), BYTES + thumbnail()[:200]
    return data[:-2] + bytes([len(hidden)]) + hidden + b"\0;"


def _palettes_of_their_own() -> bytes:
    frames = [image().rotate(7 * number).quantize(200) for number in range(3)]
    options = {"duration": [0, 20, 30], "loop": 0, "optimize": False}
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:], **options)


def _bmp(info: bytes, pixels: bytes) -> bytes:
    head = struct.pack("<2sIHHI", b"BM", 14 + len(info) + len(pixels), 0, 0, 14 + len(info))
    return head + info + pixels


def _run_lengths() -> bytes:
    reduced = image().quantize(16)
    rows = b"".join(
        b"".join(bytes((1, value)) for value in row) + b"\0\0" for row in np.asarray(reduced)[::-1]
    )
    colours = np.array(reduced.getpalette()[:48], np.uint8).reshape(-1, 3)[:, ::-1]
    palette = np.insert(colours, 3, 0, axis=1).tobytes()
    length = len(rows) + 2
    info = struct.pack("<IiiHHIIiiII", 40, 288, 288, 1, 8, 1, length, 2835, 2835, 16, 16)
    return _bmp(info + palette, rows + b"\0\1")


def _from_os2() -> bytes:
    return _bmp(struct.pack("<IHHHH", 12, 288, 288, 1, 24), portrait()[::-1, :, ::-1].tobytes())


def _bmp_with_alpha() -> bytes:
    pixels = np.dstack([portrait()[..., ::-1], np.full((288, 288), 128, np.uint8)])[::-1].tobytes()
    info = struct.pack("<IiiHHIIiiII", 108, 288, 288, 1, 32, 3, len(pixels), 2835, 2835, 0, 0)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    return _bmp(info + masks + b"BGRs" + bytes(48), pixels)


SIMPLE = [
    ("PNG: frames laid over, cleared and put back", ".png", _operations, {}),
    ("PNG: more frames than the animation counts", ".png", _more_frames_than_counted, {}),
    ("PNG: EXIF and text behind the pixels", ".png", _words_at_the_end, {}),
    ("PNG: 16-bit grey with a transparent value", ".png", _grey_with_a_key, {}),
    ("WebP: frames with the face under alpha 0", ".webp", _frames_that_hide, {"decibels": None}),
    ("WebP: lossy and lossless frames", ".webp", _mixed_webp, {"decibels": 38.0}),
    ("WebP: a second file behind the first", ".webp", lambda: webp() + webp(), {"decibels": 40.0}),
    (
        "WebP: EXIF of odd length, with its name twice",
        ".webp",
        lambda: with_riff_chunk(b"EXIF", b"Exif\0\0" + exif_with_thumbnail() + b"x"),
        {"decibels": 40.0},
    ),
    ("WebP: frames that hardly change", ".webp", _hardly_changing, {"decibels": None}),
    ("GIF: a clear margin", ".gif", _clear_margin, {}),
    ("GIF: bytes behind the last code", ".gif", _behind_the_last_code, {}),
    ("GIF: palettes of their own, and no time", ".gif", _palettes_of_their_own, {}),
    ("GIF: version 87a", ".gif", lambda: b"GIF87a" + saved(image().quantize(64), "GIF")[6:], {}),
    ("BMP: run lengths", ".bmp", _run_lengths, {}),
    ("BMP: the header of OS/2", ".bmp", _from_os2, {}),
    ("BMP: alpha", ".bmp", _bmp_with_alpha, {"expect": Expect.REFUSED, "says": "alpha"}),
]

# --- TIFF ---------------------------------------------------------------------------------------


def _tiff(pixels: Any, tags: tuple[Any, ...] = (), **options: Any) -> bytes:
    import tifffile

    target = io.BytesIO()
    with tifffile.TiffWriter(target, bigtiff=options.pop("bigtiff", False)) as writer:
        writer.write(pixels, metadata=None, extratags=tags, **options)
    return target.getvalue()


_PLACE = (
    (33550, 12, 3, (1.0, 1.0, 0.0), True),
    (33922, 12, 6, (0.0,) * 6, True),
    (34735, 3, 4, (1, 1, 0, 0), True),
    (34737, 2, len(MARKER) + 1, MARKER, True),
    (42112, 2, len(MARKER) + 1, MARKER, True),
)


def _directories_in_directories() -> bytes:
    """Two pages, each with a reduced copy and a whole other picture in sub-directories."""
    import tifffile

    target = io.BytesIO()
    with tifffile.TiffWriter(target) as writer:
        for _ in range(2):
            writer.write(portrait(), subifds=2, photometric="rgb", metadata=None)
            writer.write(portrait()[::2, ::2], subfiletype=1, photometric="rgb", metadata=None)
            writer.write(np.asarray(hidden_face()), photometric="rgb", metadata=None, software=MARKER)
    return target.getvalue()


def _written_by(**options: Any) -> bytes:
    import tifffile

    target = io.BytesIO()
    tifffile.imwrite(target, np.stack([np.asarray(image("L"))] * 3), **options)
    return target.getvalue()


def _stack_without_pages() -> bytes:
    """What ImageJ writes beyond 4 GB: one directory, a word of three pictures, and their pixels in a row."""
    said = "ImageJ=1.54f\nimages=3\nslices=3\nloop=false\n"
    return _tiff(np.asarray(image("L")), description=said) + np.asarray(image("L")).tobytes() * 2


def _refused(says: str) -> dict[str, Any]:
    return {"expect": Expect.REFUSED, "says": says}


TIFF = [
    ("GeoTIFF", lambda: _tiff(portrait(), _PLACE, photometric="rgb", description=MARKER), {}),
    ("GeoTIFF, BigTIFF", lambda: _tiff(portrait(), _PLACE, photometric="rgb", bigtiff=True), {}),
    ("pages with two sub-directories each", _directories_in_directories, _ONE_PICTURE),
    ("stack of ImageJ's", lambda: _written_by(imagej=True, metadata={"Info": MARKER}), _ONE_PICTURE),
    ("stack of ImageJ's without pages", _stack_without_pages, _refused("ImageJ")),
    ("OME-TIFF", lambda: _written_by(ome=True, metadata={"axes": "ZYX", "Description": MARKER}), {}),
    (
        "three pages of 16-bit tiles, BigTIFF",
        lambda: _tiff(np.stack([rgb16()] * 3), photometric="rgb", tile=(64, 64), bigtiff=True),
        {"same": settings("big")},
    ),
    (
        "grey and alpha, 16 bits",
        lambda: _tiff(
            samples(2, 16).astype(np.uint16),
            photometric="minisblack",
            planarconfig="contig",
            extrasamples=["unassalpha"],
        ),
        _refused("unusual kind"),
    ),
    (
        "a fourth channel of no said kind",
        lambda: _tiff(samples(4, 8).astype(np.uint8), photometric="rgb", extrasamples=["unspecified"]),
        _refused("unusual kind"),
    ),
    (
        "CMYK, 16 bits",
        lambda: _tiff(samples(4, 16).astype(np.uint16), photometric="separated"),
        _refused("kind"),
    ),
    ("half floats", lambda: _tiff(samples(1, 8)[..., 0].astype(np.float16)), _refused("unusual kind")),
    ("YCbCr", lambda: saved(image("YCbCr"), "TIFF"), _refused("YCbCr")),
]

# --- HEIC, AVIF, JPEG 2000 ----------------------------------------------------------------------


def _heic() -> bytes:
    import pillow_heif

    file, target = pillow_heif.HeifFile(), io.BytesIO()
    for picture in (image(), image().rotate(3)):
        file.add_from_pillow(picture)
    file[0].info.update(thumbnails=[96, 200], exif=exif_with_thumbnail(), xmp=xmp())
    file.save(target, quality=90)
    return target.getvalue()


def _avif() -> bytes:
    others = [image().rotate(5)]
    words = {"exif": exif_with_thumbnail(), "xmp": xmp_with_preview()}
    return saved(image(), "AVIF", save_all=True, append_images=others, duration=100, quality=80, **words)


def _jp2(extra: bytes = b"", behind: bool = False) -> bytes:
    data = saved(image(), "JPEG2000", irreversible=False)
    at = data.index(b"jp2c") - 4
    return data + box(b"jp2c", data[at + 8 :]) if behind else data[:at] + extra + data[at:]


def _jp2_of_inks() -> bytes:
    import imagecodecs

    return imagecodecs.jpeg2k_encode(np.ascontiguousarray(image("CMYK")), codecformat="jp2")


def _with_depth(data: bytes, alpha: bytes, depth: bytes) -> bytes:
    """A file with an alpha plane, which is now said to be a depth map."""
    assert alpha in data and len(alpha) == len(depth)
    return data.replace(alpha, depth)


def _heic_with_depth() -> bytes:
    return _with_depth(heic(hidden_in_alpha()), b"urn:mpeg:hevc:2015:auxid:1", b"urn:mpeg:hevc:2015:auxid:2")


def _avif_with_depth() -> bytes:
    name = b"urn:mpeg:mpegB:cicp:systems:auxiliary:"
    return _with_depth(saved(hidden_in_alpha(), "AVIF", quality=90), name + b"alpha", name + b"depth")


def hidden_in_alpha() -> Image.Image:
    picture = image("RGBA")
    picture.putalpha(image("L"))
    return picture


_GEO = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")
_OF_MEDIA = [
    (
        "HEIC: two pictures, thumbnails, EXIF and XMP",
        ".heic",
        _heic,
        {"needs": "pillow_heif", "decibels": 38.0},
    ),
    ("HEIC: depth map", ".heic", _heic_with_depth, {"needs": "pillow_heif", "decibels": 38.0}),
    ("AVIF: depth map", ".avif", _avif_with_depth, {"decibels": 40.0}),
    ("AVIF: animation with EXIF and XMP", ".avif", _avif, {"decibels": 36.0}),
    (
        "JPEG 2000: place, rights and labels in boxes",
        ".jp2",
        lambda: _jp2(
            box(b"uuid", _GEO + saved(hidden_face(), "TIFF") + BYTES)
            + box(b"jp2i", BYTES)
            + box(b"asoc", box(b"lbl ", BYTES) + box(b"xml ", xmp()))
        ),
        {},
    ),
    ("JPEG 2000: two pictures", ".jp2", partial(_jp2, behind=True), _refused("several pictures")),
    ("JPEG 2000: inks", ".jp2", _jp2_of_inks, {"needs": "imagecodecs", **_refused("alpha")}),
]

CASES = [
    *(
        Case(f"odd JPEG: {t}", "face.jpg", make, group="odd", **({"decibels": 45.0} | k))
        for t, make, k in JPEG
    ),
    *(
        Case(f"odd TIFF: {title}", "face.tif", make, group="odd", needs="tifffile", **special)
        for title, make, special in TIFF
    ),
    *(
        Case(f"odd {title}", f"face{suffix}", make, group="odd", **special)
        for title, suffix, make, special in (*SIMPLE, *_OF_MEDIA)
    ),
]
