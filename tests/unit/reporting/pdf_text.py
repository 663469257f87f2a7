"""Read the text of a PDF that pdfLaTeX made."""

import re
import zlib


def pages(pdf: bytes) -> list[str]:
    """The text that the PDF's streams show, without spaces; page by page, and figures (whose fonts hide it) apart."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            content = zlib.decompressobj().decompress(stream)  # the last byte may be a \r, which the pattern drops
        except zlib.error:
            continue
        if b"BT" in content:
            shown = re.findall(rb"\(((?:\\.|[^\\)])*)\)", b"".join(re.findall(rb"\[(.*?)\]TJ", content, re.DOTALL)))
            found.append(b"".join(shown).decode("latin-1"))
    return [text for text in found if "remixup:" in text]
