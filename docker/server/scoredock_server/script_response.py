"""A response that run() itself has made: checked before an HTTP server would refuse it."""

import copy
import re
from collections.abc import Iterable
from typing import Any, Dict

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

# RFC 9110, sections 5.1, 5.5, 8.6 and 15; a status below 200 is not the last one of a request.
_STATUS = re.compile(r"[2-9][0-9]{2}( [\t\x20-\x7e\x80-\xff]*)?")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LENGTH = re.compile(r"[0-9]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class UnsendableError(Exception):
    """The message says what of the response cannot be sent, as in "a int in its body"."""


def own_copy(response: Response, environ: Dict[str, Any]) -> Response:
    """Return a response that headers can be added to: a script may return the same one again.

    `environ` is that of the request. Raises UnsendableError.
    """
    if not _STATUS.fullmatch(response.status):
        raise UnsendableError("the status {!r}".format(response.status))
    own = copy.copy(response)
    try:
        own.headers = Headers(response.headers)  # a script may have put a dict there
    except Exception as error:
        raise UnsendableError("headers that cannot be sent: {!r}".format(error))
    if own.is_sequence:
        own.response = [_encoded(part) for part in response.response]
        length = sum(map(len, own.response))
        # Where the script says another, a client would wait for the rest, or lose it.
        if length and "Content-Length" in own.headers:
            own.headers["Content-Length"] = str(length)
    elif not isinstance(response.response, Iterable):
        raise UnsendableError("a body of type {}".format(type(response.response).__name__))
    _check_headers(own, environ)
    return own


def _encoded(part: Any) -> bytes:
    if isinstance(part, str):
        try:
            return part.encode("utf-8")
        except UnicodeEncodeError as error:
            raise UnsendableError("a body that is not text: {}".format(error))
    if isinstance(part, (bytes, bytearray)):
        return bytes(part)
    raise UnsendableError("a {} in its body".format(type(part).__name__))


def _check_headers(response: Response, environ: Dict[str, Any]) -> None:
    try:
        sent = list(response.get_wsgi_headers(environ))
    except Exception as error:  # it makes the URL of a Location absolute
        raise UnsendableError("headers that cannot be sent: {!r}".format(error))
    for name, value in sent:
        wanted = _LENGTH if name.lower() == "content-length" else _VALUE
        if not (_TOKEN.fullmatch(name) and wanted.fullmatch(value)):
            raise UnsendableError("the header {!r}: {!r}".format(name, value))
    if len(response.headers.getlist("Content-Length")) > 1:
        raise UnsendableError("more than one Content-Length")
