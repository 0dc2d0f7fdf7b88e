"""Cells of a workbook that hold an error (#N/A, #DIV/0!): python-calamine reads them as empty.

An empty cell and one whose formula failed are two things: the first says that there is nothing, the second
that nobody knows. So the marks are looked for in the sheet's XML, and no table is read as if it had nothing
there.
"""

from __future__ import annotations

import html
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

_ATTRIBUTE = re.compile(r"""(?:\w+:)?(\w+)=(["'])(.*?)\2""")
_MARKS = (b't="e"', b"t='e'")
_CELL = re.compile(rb"""<(?:\w+:)?c\s([^<>]*\bt=["']e["'][^<>]*)>(.*?)</(?:\w+:)?c>""", re.DOTALL)
_PLACE = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)</")
_PIECE = 1 << 20
_LONGEST_CELL = 1 << 15
"""Bytes of a cell with its formula; the formula has at most 8,192 characters."""


def error_cells(book: Path | IO[bytes], sheet: str) -> Mapping[int, Mapping[int, str]]:
    """The errors of a sheet, as they are shown, by row (from 1, as people count) and column (from 0)."""
    found: defaultdict[int, dict[int, str]] = defaultdict(dict)
    try:
        with zipfile.ZipFile(book) as archive, archive.open(_member(archive, sheet)) as content:
            rest = b""
            while piece := content.read(_PIECE):
                text = rest + piece
                if any(mark in text for mark in _MARKS):  # nearly all sheets have none
                    for attributes, inside in _CELL.findall(text):
                        place, value = _PLACE.search(attributes), _VALUE.search(inside)
                        if place is not None:
                            shown = value[1].decode("utf-8", "replace") if value is not None else "#ERROR"
                            found[int(place[2])][_column(place[1])] = shown
                rest = text[-_LONGEST_CELL:]
    except (KeyError, OSError, ValueError, zipfile.BadZipFile, zlib.error):
        return {}  # what is wrong with the file is told by its reader, which has read it by now
    return found


def _member(archive: zipfile.ZipFile, sheet: str) -> str:
    """Where the archive has the sheet of this name. Raises KeyError."""
    book = archive.read("xl/workbook.xml").decode()
    links = archive.read("xl/_rels/workbook.xml.rels").decode()
    targets = {link["Id"]: link["Target"] for link in _tags(links, "Relationship")}
    for entry in _tags(book, "sheet"):
        if entry["name"] == sheet:
            target = targets[entry["id"]]
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise KeyError(sheet)


def _tags(text: str, name: str) -> Iterator[dict[str, str]]:
    """The attributes of every tag of this name, without the prefixes of their namespaces."""
    for tag in re.findall(rf"<(?:\w+:)?{name}\s([^<>]*)>", text):
        yield {key: html.unescape(value) for key, _, value in _ATTRIBUTE.findall(tag)}


def _column(letters: bytes) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + letter - ord("A") + 1
    return column - 1
