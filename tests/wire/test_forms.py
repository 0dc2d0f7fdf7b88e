"""Columns are found in messages as the protobuf library finds them, whatever form a message has.

The library is the oracle: what it refuses is refused, and what it reads comes to the same columns, texts and
numbers.  Messages are written in every form protobuf allows, and damaged at random.
"""

import random
import struct

import numpy as np
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

from tariffcore.plan import Plan
from tariffcore.v1 import case_columns_pb2, pricing_service_pb2
from tariffcore.wire import forms
from tariffcore.wire.errors import NoChunkError, UnreadableMessageError, WireError
from tariffcore.wire.forms import FIXED32, FIXED64, MESSAGES, OCTETS, TEXT, VARINT
from tariffcore.wire.messages import read_priced
from tariffcore.wire.stream import CaseStream
from tests.strategies import aimed_catalog
from tests.wire.drawing import drawn_chunks

PLAN = Plan(aimed_catalog(1))
REQUESTS = [message.SerializeToString() for message in drawn_chunks(PLAN, 1, 8, 40, odd=0.3)]
TYPES = {
    FieldDescriptor.TYPE_UINT32: VARINT,
    FieldDescriptor.TYPE_FIXED32: FIXED32,
    FieldDescriptor.TYPE_SFIXED32: FIXED32,
    FieldDescriptor.TYPE_SFIXED64: FIXED64,
    FieldDescriptor.TYPE_BYTES: OCTETS,
    FieldDescriptor.TYPE_STRING: TEXT,
    FieldDescriptor.TYPE_MESSAGE: MESSAGES,
}


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (forms.REQUEST, pricing_service_pb2.PriceCaseColumnsRequest),
        (forms.RESPONSE, pricing_service_pb2.PriceCaseColumnsResponse),
        (forms.CASE_COLUMNS, case_columns_pb2.CaseColumns),
        (forms.PRICED_COLUMNS, case_columns_pb2.PricedColumns),
        (forms.COMPONENT_COLUMN, case_columns_pb2.ComponentColumn),
    ],
)
def test_forms_are_those_of_the_contract(form, message):
    fields = {field.number: (field.name, TYPES[field.type]) for field in message.DESCRIPTOR.fields}
    fields.pop(1 if form in (forms.REQUEST, forms.RESPONSE) else 0, None)  # starts are the library's to read
    assert form.fields == fields
    assert form.name == message.DESCRIPTOR.name


# Forms of one message


def varint(value, extra=0):
    """A number, with so many bytes more than it needs."""
    octets = bytearray()
    while value >= 0x80 or extra > 0:
        extra -= value < 0x80
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*octets, value])


KIND_OF_FORM = {OCTETS: np.uint8, FIXED64: np.int64}


class Rewriter:
    """Writes a CaseColumns message in some form that means the same."""

    def __init__(self, draw):
        self.draw = draw

    def number(self, value, most=10):
        """A number, now and then longer than need be; the library takes no tag or length of six bytes."""
        extra = self.draw.choice([0] * 12 + [1, 2, 4])
        return varint(value, min(extra, most - len(varint(value))))

    def field(self, number, kind, content):
        length = self.number(len(content), 5) if kind == 2 else b""
        return self.number(number << 3 | kind, 5) + length + content

    def unknown(self):
        number = self.draw.choice([10, 30, 100, 2**29 - 1])
        return self.draw.choice(
            [
                lambda: self.field(number, 0, self.number(self.draw.getrandbits(64))),
                lambda: self.field(number, 1, bytes(8)),
                lambda: self.field(number, 2, b"whatever"),
                lambda: self.field(number, 5, bytes(4)),
                lambda: self.field(number, 3, self.field(1, 0, b"\1")) + self.field(number, 4, b""),
                lambda: self.field(27, 0, b"\1"),  # of another type than it is known by
                lambda: self.field(11, 2, b""),
            ]
        )()

    def pieces(self, chunk):
        draw = self.draw
        pieces = [self.field(1, 0, self.number(chunk.rows))]
        if draw.random() < 0.2:
            pieces.insert(0, self.field(1, 0, self.number(7)))  # the last one counts
        for number, (name, form) in forms.CASE_COLUMNS.fields.items():
            value = getattr(chunk, name)
            if form == TEXT:
                pieces += [self.field(number, 2, word.encode()) for word in value]
            elif form == OCTETS and value:
                if draw.random() < 0.2:
                    pieces.append(self.field(number, 2, b"replaced"))
                pieces.append(self.field(number, 2, value))
            elif form in (FIXED32, FIXED64) and len(value):
                kind = "<q" if form == FIXED64 else "<i" if name.endswith("_day") else "<I"
                width, single = (8, 1) if form == FIXED64 else (4, 5)
                packed = b"".join(struct.pack(kind, each) for each in value)
                way = draw.random()
                if way < 0.7:
                    pieces.append(self.field(number, 2, packed))
                elif way < 0.85:
                    cells = [packed[at : at + width] for at in range(0, len(packed), width)]
                    pieces += [self.field(number, single, cell) for cell in cells]
                else:
                    cut = width * draw.randint(0, len(value))
                    pieces += [self.field(number, 2, packed[:cut]), self.field(number, 2, packed[cut:])]
        return pieces

    def rewritten(self, request):
        draw = self.draw
        chunk = pricing_service_pb2.PriceCaseColumnsRequest.FromString(request).chunk
        pieces = self.pieces(chunk)
        if draw.random() < 0.3:
            for _ in range(draw.randint(1, 3)):
                pieces.insert(draw.randint(0, len(pieces)), self.unknown())
        if draw.random() < 0.2:
            draw.shuffle(pieces)
        if draw.random() < 0.15:  # a message in two runs, which are merged
            cut = draw.randint(0, len(pieces))
            return self.field(2, 2, b"".join(pieces[:cut])) + self.field(2, 2, b"".join(pieces[cut:]))
        outside = self.unknown() if draw.random() < 0.05 else b""
        return outside + self.field(2, 2, b"".join(pieces))


def damaged(draw, request):
    """A message with some bytes changed, cut out, put in or cut off."""
    octets = bytearray(request)
    for _ in range(draw.choice([1, 1, 2, 5])):
        at = draw.randrange(min(len(octets), draw.choice([12, 80, len(octets)])))
        way = draw.randrange(5)
        if way == 0:
            octets[at] ^= 1 << draw.randrange(8)
        elif way == 1:
            octets[at] = draw.choice([0, 0x7F, 0x80, 0xFF, draw.randrange(256)])
        elif way == 2:
            del octets[at : at + draw.choice([1, 1, 4, 40])]
        elif way == 3:
            octets[at:at] = bytes(draw.randrange(256) for _ in range(draw.choice([1, 1, 4, 12])))
        else:
            del octets[at:]
        if not octets:
            break
    return bytes(octets)


def outcome(request, stream):
    """The answer to a message, or what is wrong with it and where."""
    try:
        return stream.price(request)
    except WireError as error:
        return type(error), [problem.field for problem in error.problems]


def check_against_the_library(request):
    """Price a message as it is and as the library writes it plainly; whether the library can read it."""
    try:
        message = pricing_service_pb2.PriceCaseColumnsRequest.FromString(request)
    except DecodeError:
        found = outcome(request, CaseStream(PLAN))
        assert found[0] is UnreadableMessageError
        return False
    if message.WhichOneof("message") != "chunk":
        assert outcome(request, CaseStream(PLAN))[0] is NoChunkError
        return True
    scanned = CaseStream.scan(request)
    assert scanned.numbers[1] == message.chunk.rows
    for number, (name, form) in forms.CASE_COLUMNS.fields.items():
        value = getattr(message.chunk, name)
        if form == TEXT:
            assert [text for field, text in scanned.texts if field == number] == list(value)
        elif form != VARINT:
            kind = KIND_OF_FORM.get(form, np.int32 if name.endswith("_day") else np.uint32)
            assert scanned.column(number, kind).tolist() == list(value), name
    message.DiscardUnknownFields()
    plainly = message.SerializeToString()
    assert outcome(request, CaseStream(PLAN)) == outcome(plainly, CaseStream(PLAN))
    return True


def test_every_form_means_the_same():
    draw = random.Random(0)
    for _ in range(600):
        assert check_against_the_library(Rewriter(draw).rewritten(draw.choice(REQUESTS)))


def test_damaged_messages_are_read_or_refused_as_the_library_does():
    draw = random.Random(1)
    seen = {True: 0, False: 0}
    for _ in range(3_000):
        request = draw.choice(REQUESTS)
        if draw.random() < 0.2:
            request = Rewriter(draw).rewritten(request)
        seen[check_against_the_library(damaged(draw, request))] += 1
    assert min(seen.values()) > 300


def test_random_bytes():
    draw = random.Random(2)
    for size in range(200):
        octets = draw.randbytes(size)
        check_against_the_library(octets)
        check_against_the_library(b"\x12" + varint(size) + octets)


@pytest.mark.parametrize("octets", [1, 2, 3, 5, 6, 9, 10, 11])
def test_numbers_of_any_length(octets):
    """A count of rows written in so many bytes, up to more than a number may have."""
    message = pricing_service_pb2.PriceCaseColumnsRequest.FromString(REQUESTS[0])
    rows, message.chunk.rows = message.chunk.rows, 0
    rest = message.chunk.SerializeToString()
    long = b"\x08" + varint(rows, octets - len(varint(rows)))
    check_against_the_library(b"\x12" + varint(len(long + rest)) + long + rest)
    high = b"\x08" + bytes(
        [0x80 | rows & 0x7F, *[0x80 | rows >> 7 & 0x7F] * (octets > 1), *[0xFF] * (octets - 2), 1]
    )
    check_against_the_library(b"\x12" + varint(len(high + rest)) + high + rest)


def test_answers_are_read_in_every_form_too():
    stream = CaseStream(PLAN, with_components=True, with_rules=True)
    draw = random.Random(3)
    for response in [stream.price(request) for request in REQUESTS]:
        expected = read_priced(response)
        for _ in range(150):
            octets = (
                damaged(draw, response)
                if draw.random() < 0.8
                else response[:3] + response[3:] + b"\x98\x06\x01"
            )
            try:
                answer = pricing_service_pb2.PriceCaseColumnsResponse.FromString(octets)
            except DecodeError:
                with pytest.raises(UnreadableMessageError):
                    read_priced(octets)
                continue
            if answer.WhichOneof("message") != "priced":
                with pytest.raises(UnreadableMessageError):
                    read_priced(octets)
                continue
            read = read_priced(octets)
            assert read.rows == answer.priced.rows
            assert read.amount_minor.tolist() == list(answer.priced.amount_minor)
            assert read.status.tolist() == list(answer.priced.status)
            assert read.edition.tolist() == list(answer.priced.edition)
            assert read.rule.tolist() == list(answer.priced.rule)
            assert read.has_components.tolist() == list(answer.priced.has_components)
            assert [part.tolist() for part in read.components] == [
                list(each.amount_minor) for each in answer.priced.components
            ]
        assert expected.rows == len(expected.amount_minor)
