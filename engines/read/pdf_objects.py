"""Objects of a PDF as they are needed, whatever they are: what is of another kind is empty."""

from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NullObject, NumberObject, PdfObject


def resolved(thing: PdfObject) -> DictionaryObject:
    """The dictionary that this is or leads to."""
    value = thing.get_object()
    return value if isinstance(value, DictionaryObject) else DictionaryObject()


def dictionary(holder: DictionaryObject, key: str) -> DictionaryObject:
    """The dictionary in another."""
    return resolved(holder.raw_get(key)) if key in holder else DictionaryObject()


def items(holder: DictionaryObject, key: str) -> list[PdfObject]:
    """What is in an array of a dictionary, references as they stand."""
    value = holder.raw_get(key).get_object() if key in holder else None
    return [item for item in value if not isinstance(item, NullObject)] if isinstance(value, ArrayObject) else []


def number(holder: DictionaryObject, key: str) -> int:
    """The whole number in a dictionary; 0 where there is none."""
    value = holder.raw_get(key).get_object() if key in holder else None
    return int(value) if isinstance(value, NumberObject | FloatObject) else 0
