"""json.loads() and json.dumps() by orjson, where the result is the standard library's exactly.

The functions of the module `json` itself are replaced, for the whole process. A script reads its
input in helper modules and through libraries as often as by its own `json.loads`; a stand-in in the
script's globals alone would miss those, and there would be two modules of one name to mock, compare
and pickle. That others see the replacement is safe because it is never a matter of taste:

    loads   orjson's value counts only where the standard library would have made the same one. What
            orjson refuses (NaN, 1e999, lone surrogates, a BOM, every mistake), integers that may be
            beyond 64 bits, deep nesting, and what is no plain str, bytes or bytearray goes to the
            standard library, so that errors, messages and positions are its own.
    dumps   lists of int and float alone, by themselves or in a dict, are written by orjson, where
            no number's text differs from repr(). All else is the standard library's.

A call with keyword arguments, or after somebody has replaced the parts of `json` that do the work,
is the standard library's as well.
"""

import functools
import gc
import json
import json.decoder
import json.encoder
import math
from typing import Any, Callable, List, Optional

# The oldest that the tests have compared with the standard library.
OLDEST = (3, 10)

# The standard library's own limit depends on how deep the caller is; far below it there is none.
_DEEPEST = 100
_SHORT = 2 * _DEEPEST
# Far below what orjson makes a float of; the sum of squares is a little inexact.
_SMALL = 2.0**62
# Characters for each list in a text from which on it is faster to look at lists than at the text.
_ROW = 256
# From here on orjson is faster than the look at each number that it needs before.
_LONG = 16
_SAME_FOR_NUMBERS = {"default", "allow_nan"}

_NUMBERS = {int, float}
_CONTAINERS = {list, dict}
_PLAIN = {str, int, bool, type(None)}
# Digits as 0, what makes digits a fraction or text as it is, all else as a comma.
_SKELETON = bytes(
    ord("0") if chr(byte).isdigit() and byte < 128 else byte if chr(byte) in '."' else ord(",")
    for byte in range(256)
)
# 19 digits may be more than 64 bits, of which orjson would make a float.
_BIG_INTEGER = b"," + b"0" * 19


def install() -> Optional[str]:
    """Let json.loads and json.dumps be served by orjson; once is enough.

    Return its version, or None where there is none that is new enough, and nothing is changed.
    """
    try:
        import orjson
    except ImportError:
        return None
    version = str(orjson.__version__)
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        return None
    if not hasattr(json.loads, "by_orjson"):
        json.loads = make_loads(json.loads, orjson.loads)
        json.dumps = make_dumps(json.dumps, orjson.dumps)
    return version


def make_loads(standard: Callable[..., Any], quick: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return a function that is `standard`, json.loads, but for the time that it takes."""
    decoder = json._default_decoder  # type: ignore[attr-defined]
    decode = json.JSONDecoder.decode

    @functools.wraps(standard)
    def loads(s: Any, **options: Any) -> Any:
        kind = type(s)
        if (
            options
            or not (kind is str or kind is bytes or kind is bytearray)
            or json._default_decoder is not decoder  # type: ignore[attr-defined]
            or json.JSONDecoder.decode is not decode
        ):
            return standard(s, **options)
        try:
            value = quick(s)
        except Exception:
            exact = False
        else:
            exact = _is_table(s, value) or not (
                _may_have_big_integers(s, value) or _may_be_deep(s, value)
            )
        # Not above, where a mistake would have orjson's beside its own in its traceback.
        return value if exact else standard(s)

    loads.by_orjson = True  # type: ignore[attr-defined]
    return loads


def _is_table(text: Any, value: Any) -> bool:
    """Tell whether a value is small numbers in long lists, with neither big integers nor depth.

    A third of the time that it takes to see this in the text.
    """
    most = len(text) // _ROW
    level: List[Any] = [value]
    for _ in range(_DEEPEST):
        if len(level) > most:
            return False
        below: List[Any] = []
        for each in level:
            kind = type(each)
            if kind is dict:
                below += each.values()
            elif kind is list and each and type(each[0]) in _CONTAINERS:
                below += each
            elif kind is list:
                try:
                    if not math.hypot(*each) < _SMALL:
                        return False
                except TypeError:  # what is no number, or a Python before 3.8
                    return False
            elif kind is float and not abs(each) < _SMALL:
                return False
        if not below:
            return True
        level = below
    return False


def _may_have_big_integers(text: Any, value: Any) -> bool:
    if len(text) < 19:
        return False
    data = text.encode("utf-8") if type(text) is str else text
    # A float alone has nothing before its digits.
    return _BIG_INTEGER in data.translate(_SKELETON) or type(value) is float


def _may_be_deep(text: Any, value: Any) -> bool:
    if len(text) < _SHORT:
        return False
    square, curly = ("[", "{") if type(text) is str else (b"[", b"{")
    if text.count(square) + text.count(curly) < _DEEPEST:
        return False
    level = [value]
    for _ in range(_DEEPEST):
        # What the containers hold; numbers and texts hold nothing.
        level = gc.get_referents(*level)
        if not level:
            return False
    return True


def make_dumps(standard: Callable[..., str], quick: Callable[[Any], bytes]) -> Callable[..., str]:
    """Return a function that is `standard`, json.dumps, but for the time that it takes."""
    encoder = json._default_encoder  # type: ignore[attr-defined]
    parts = (json.JSONEncoder.encode, json.JSONEncoder.iterencode, _c_make_encoder())

    def numbers(value: Any) -> Optional[str]:
        """Return the text of a list of numbers, or None for all else."""
        if not _holds_numbers_alone(value):
            return None
        try:
            text = quick(value)
        except Exception:  # an integer of more than 64 bits
            return None
        # Python has an exponent of two digits and from 0.0001 down; NaN is null here.
        if b"e" in text or b"n" in text or b"0.0000" in text:
            return None
        return text.decode("ascii").replace(",", ", ")

    def known(obj: Any) -> Optional[str]:
        if type(obj) is list:
            return numbers(obj)
        # A dict whose lists are written one by one: {"predictions": [...]}.
        lists = {key: numbers(value) for key, value in obj.items() if type(value) is list}
        if not lists or None in lists.values():
            return None
        texts = []
        for key, value in obj.items():
            if type(key) is not str or not (key in lists or type(value) in _PLAIN):
                return None
            texts.append(standard(key) + ": " + (lists.get(key) or standard(value)))
        return "{" + ", ".join(texts) + "}"

    @functools.wraps(standard)
    def dumps(obj: Any, **options: Any) -> str:
        kind = type(obj)
        if (
            (_is_long(obj) if kind is list else kind is dict and any(map(_is_long, obj.values())))
            and options.keys() <= _SAME_FOR_NUMBERS
            and json._default_encoder is encoder  # type: ignore[attr-defined]
            and parts == (json.JSONEncoder.encode, json.JSONEncoder.iterencode, _c_make_encoder())
        ):
            text = known(obj)
            if text is not None:
                return text
        return standard(obj, **options)

    dumps.by_orjson = True  # type: ignore[attr-defined]
    return dumps


def _c_make_encoder() -> Any:
    return json.encoder.c_make_encoder  # type: ignore[attr-defined]


def _is_long(value: Any) -> bool:
    """Tell whether a value is a list for which the look at its numbers is worth the while."""
    return type(value) is list and (len(value) >= _LONG or bool(value) and type(value[0]) is list)


def _holds_numbers_alone(value: Any) -> bool:
    if not _is_long(value):
        return False
    kinds = set(map(type, value))
    if kinds == {list}:
        return all(set(map(type, row)) <= _NUMBERS for row in value)
    return kinds <= _NUMBERS
