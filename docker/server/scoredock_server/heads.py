"""Requests by their heads: one that has been parsed is not parsed again.

A client that keeps its connection mostly sends the same head with each request, and clients of one
kind send the same as well. gunicorn's parser takes longer for it than all else that is done before
run().
"""

from typing import Any, Dict, Optional, Tuple

from scoredock_server.framing import body_length, parse_head

_MOST = 64
# Longer ones are rare, and should not fill the memory.
_LONGEST = 2048
# Whose values should be in memory no longer than their request.
_SECRET = frozenset(["AUTHORIZATION", "COOKIE", "PROXY-AUTHORIZATION"])


class Heads:
    """Makes gunicorn's requests for heads, with gunicorn's settings."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._known: Dict[Tuple[bytes, Any], Tuple[Any, Optional[int]]] = {}

    def parse(self, head: bytes, address: Any) -> Tuple[Any, Optional[int]]:
        """Return the request, and the length of its body; None is one in chunks.

        Raises what gunicorn's parser raises: see parse_head().
        """
        # Which headers count depends on who is asking, but not on the port.
        key = head, address[0] if isinstance(address, tuple) else address
        found = self._known.get(key)
        if found is None:
            request = parse_head(self._config, head, address)
            length = body_length(request)
            if _may_be_kept(request, head, length):
                if len(self._known) >= _MOST:
                    self._known.clear()
                self._known[key] = _again(request, address), length
            return request, length
        request, length = found
        return _again(request, address), length


def _may_be_kept(request: Any, head: bytes, length: Optional[int]) -> bool:
    # Of a body in chunks the parser itself reads on.
    is_plain = length is not None and len(head) <= _LONGEST
    return is_plain and not any(name in _SECRET for name, _ in request.headers)


def _again(request: Any, address: Any) -> Any:
    """Return a request as this one was when it was parsed; its body is not among it."""
    copied = object.__new__(type(request))
    vars(copied).update(vars(request))
    copied.headers = list(request.headers)
    copied.peer_addr = copied.remote_addr = address
    return copied
