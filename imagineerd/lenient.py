"""Read what a later version says: leave out what this one does not know.

Structs that refuse unknown fields do so where a person asks, since a misspelt setting would draw another picture. A
client that reads what a daemon tells must not: here unknown fields are dropped, and of a list the things of an unknown
kind, such as the jobs of a kind that came later.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec
from msgspec.inspect import CollectionType, StructType, Type, UnionType, VarTupleType, type_info

T = TypeVar("T")

_ABSENT: Final = object()
"""Stands for what this version does not know."""
_SHAPES: Final[dict[type, tuple[type, ...]]] = {dict: (StructType,), list: (VarTupleType, CollectionType)}
"""Which members of a union a decoded value may be, where there is something to look into."""


def decode(frame: bytes | memoryview, body: type[T]) -> T:
    """Read a body without what this version does not know. Raises `msgspec.ValidationError` where the rest is wrong."""
    return msgspec.convert(known(msgspec.msgpack.decode(frame), type_info(body)), body)


def known(value: Any, type_: Type) -> Any:
    """Return the part of a decoded value that the type describes."""
    match type_:
        case StructType() if isinstance(value, dict):
            return _known_fields(value, type_)
        case VarTupleType() | CollectionType() if isinstance(value, list):
            parts = (known(part, type_.item_type) for part in value)
            return [part for part in parts if part is not _ABSENT]
        case UnionType():
            return _known_member(value, type_)
        case _:
            return value


def _known_fields(value: dict[str, Any], type_: StructType) -> Any:
    """Return a map with the fields of the struct alone; nothing where it is another kind, or holds one."""
    if type_.tag is not None and value.get(str(type_.tag_field)) != type_.tag:
        return _ABSENT
    found = {str(type_.tag_field): type_.tag} if type_.tag is not None else {}
    for field in type_.fields:
        if field.encode_name in value:
            found[field.encode_name] = known(value[field.encode_name], field.type)
    return _ABSENT if _ABSENT in found.values() else found


def _known_member(value: Any, type_: UnionType) -> Any:
    wanted = _SHAPES.get(type(value), ())
    members = [known(value, member) for member in type_.types if isinstance(member, wanted)]
    return next((member for member in members if member is not _ABSENT), _ABSENT) if members else value
