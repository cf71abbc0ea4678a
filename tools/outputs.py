"""Outputs as they are stored: the same bytes from every run, and nothing a reader should not see."""

import base64
import copy
import re
import struct

from tools.dependencies import digest

TYPES = ("text/plain", "text/html", "text/markdown", "text/latex", "image/png")
# What a picture consists of. Left out are text and time chunks, which name the program and the day.
PNG_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"pHYs", b"gAMA", b"sRGB", b"IDAT", b"IEND")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MACHINE_PATH = re.compile(
    r"(?<![\w.])(/home/[\w.-]+|/Users/[\w.-]+|/root/[\w.-]+|/tmp/[\w.-]+|/var/folders/|[A-Za-z]:\\\\?Users\\)"
    r"|[/\\](site|dist)-packages[/\\]"
)
ADDRESS = re.compile(r"<[^<>]* at 0x[0-9a-fA-F]{6,}>")


def clean(outputs):
    """Copy of a cell's outputs: neighbouring pieces of a stream joined; no counts, ids and picture metadata."""
    cleaned = []
    for output in copy.deepcopy(outputs):
        output.pop("transient", None)
        output.pop("execution_count", None)
        if output["output_type"] == "stream":
            last = cleaned[-1] if cleaned else None
            if last and last["output_type"] == "stream" and last["name"] == output["name"]:
                last["text"] += output["text"]
                continue
        if "image/png" in output.get("data", {}):
            output["data"]["image/png"] = plain_png(output["data"]["image/png"])
        cleaned.append(output)
    return cleaned


def counted(outputs, count):
    """Outputs as the notebook format wants them: results carry the cell's execution count."""
    numbered = copy.deepcopy(outputs)
    for output in numbered:
        if output["output_type"] == "execute_result":
            output["execution_count"] = count
    return numbered


def plain_png(text):
    """Base64 text of a PNG, reduced to the chunks that make the picture."""
    png = base64.b64decode(text)
    if not png.startswith(PNG_SIGNATURE):
        raise ValueError("an image/png output is no PNG")
    kept, position = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while position < len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        chunk = png[position : position + 12 + length]
        if chunk[4:8] in PNG_CHUNKS:
            kept.append(chunk)
        position += len(chunk)
    return base64.b64encode(b"".join(kept)).decode()


def png_size(text):
    """(width, height) in pixels of a base64 PNG."""
    return struct.unpack(">II", base64.b64decode(text)[16:24])


def outputs_digest(outputs):
    """Digest of all that is stored of a cell's outputs, pictures included, execution counts left out."""
    return digest(repr([sorted_items(output) for output in clean(outputs)]))


def sorted_items(value):
    if isinstance(value, dict):
        return [(name, sorted_items(value[name])) for name in sorted(value)]
    return [sorted_items(item) for item in value] if isinstance(value, list) else value


def faults(outputs):
    """Why these outputs must not be stored: a list of texts, empty if all is well."""
    found = []
    for output in outputs:
        kind = output["output_type"]
        if kind == "error":
            found.append(f"raised {output['ename']}: {output['evalue']}; make the cell run")
            continue
        if kind == "stream" and output["name"] == "stderr":
            found.append(f"wrote to stderr: {first_line(output['text'])}; silence it at its cause")
            continue
        for mime in output.get("data", {}).keys() - set(TYPES):
            found.append(f"has an output of type {mime}; stored are {', '.join(TYPES)}")
        for text in texts(output):
            if match := MACHINE_PATH.search(text):
                found.append(f"shows a path of this machine ({match[0]}…); print a relative path or the name alone")
            if match := ADDRESS.search(text):
                found.append(f"shows an object's address ({match[0]}); print what matters of it")
    return found


def texts(output):
    """All texts of an output, pictures left out."""
    if output["output_type"] == "stream":
        return [output["text"]]
    return [text for mime, text in output.get("data", {}).items() if mime.startswith("text/")]


def first_line(text):
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:120]
