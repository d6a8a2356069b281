"""Prometheus' protobuf exposition as the protobuf library reads it, by the public definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

DEFINITION = """
LabelPair: name 1 string, value 2 string
Gauge: value 1 double
Counter: value 1 double, exemplar 2 Exemplar, created_timestamp 3 Timestamp
Quantile: quantile 1 double, value 2 double
Summary: sample_count 1 uint64, sample_sum 2 double, quantile 3 Quantile*, created_timestamp 4 Timestamp
Untyped: value 1 double
BucketSpan: offset 1 sint32, length 2 uint32
Bucket: cumulative_count 1 uint64, cumulative_count_float 4 double, upper_bound 2 double, exemplar 3 Exemplar
Exemplar: label 1 LabelPair*, value 2 double, timestamp 3 Timestamp
Histogram: sample_count 1 uint64, sample_count_float 4 double, sample_sum 2 double, bucket 3 Bucket*, schema 5 sint32, \
zero_threshold 6 double, zero_count 7 uint64, zero_count_float 8 double, negative_span 9 BucketSpan*, \
negative_delta 10 sint64*, negative_count 11 double*, positive_span 12 BucketSpan*, positive_delta 13 sint64*, \
positive_count 14 double*, created_timestamp 15 Timestamp, exemplars 16 Exemplar*
Metric: label 1 LabelPair*, gauge 2 Gauge, counter 3 Counter, summary 4 Summary, untyped 5 Untyped, \
histogram 7 Histogram, timestamp_ms 6 int64
MetricFamily: name 1 string, help 2 string, type 3 MetricType, metric 4 Metric*, unit 5 string
"""
"""The messages of `io.prometheus.client`; an asterisk follows the type of a repeated field."""

TYPES = ('COUNTER', 'GAUGE', 'SUMMARY', 'UNTYPED', 'HISTOGRAM', 'GAUGE_HISTOGRAM')


def families(exposition: bytes) -> list[dict[str, Any]]:
    """The families of an exposition, as plain values; a label set is a `dict`, a time its seconds.

    Args:
        exposition: Messages, each preceded by its length.

    Raises:
        AssertionError: If a message has a field that the definition lacks.
    """
    return [_plain(family) for family in _messages(exposition)]


def _messages(exposition: bytes) -> Iterator[Message]:
    at = 0
    while at < len(exposition):
        length = shift = 0
        while True:
            byte = exposition[at]
            at, length, shift = at + 1, length | (byte & 127) << shift, shift + 7
            if byte < 128:
                break
        family = _FAMILY()
        assert family.ParseFromString(exposition[at : at + length]) == length
        size = family.ByteSize()
        family.DiscardUnknownFields()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        assert family.ByteSize() == size
        yield family
        at += length


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if hasattr(value, 'ToNanoseconds'):
        return value.seconds + value.nanos / 1e9
    if not hasattr(value, 'ListFields'):
        return value
    plain: dict[str, Any] = {}
    for field, held in value.ListFields():
        if field.name == 'label':
            plain['labels'] = {pair.name: pair.value for pair in held}
        elif field.name == 'type':
            plain['type'] = TYPES[held]
        else:
            plain[field.name] = _plain(list(held) if field.is_repeated else held)
    return plain


def _family_class() -> type[Message]:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    package = 'io.prometheus.client'
    file = descriptor_pb2.FileDescriptorProto(
        name='metrics.proto', package=package, syntax='proto2', dependency=['google/protobuf/timestamp.proto']
    )
    kinds = file.enum_type.add(name='MetricType')
    for number, name in enumerate(TYPES):
        kinds.value.add(name=name, number=number)
    field_type = descriptor_pb2.FieldDescriptorProto
    for line in DEFINITION.strip().splitlines():
        name, _, fields = line.partition(': ')
        made = file.message_type.add(name=name)
        for field in fields.split(', '):
            called, number, kind = field.split()
            is_many, kind = kind.endswith('*'), kind.rstrip('*')
            label = field_type.LABEL_REPEATED if is_many else field_type.LABEL_OPTIONAL
            one = made.field.add(name=called, number=int(number), label=label)
            if kind == 'Timestamp':
                one.type, one.type_name = field_type.TYPE_MESSAGE, '.google.protobuf.Timestamp'
            elif kind == 'MetricType':
                one.type, one.type_name = field_type.TYPE_ENUM, f'.{package}.{kind}'
            elif kind[0].isupper():
                one.type, one.type_name = field_type.TYPE_MESSAGE, f'.{package}.{kind}'
            else:
                one.type = field_type.Type.Value(f'TYPE_{kind.upper()}')
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f'{package}.MetricFamily'))


_FAMILY = _family_class()
