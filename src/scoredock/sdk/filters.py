"""Tags and properties, as a program asks for them."""

from collections.abc import Sequence

from scoredock.registry import Wanted
from scoredock.sdk.errors import WebserviceException

# What a tag or a property has to be: 'key', or ['key', 'value'].
Filters = Sequence[str | Sequence[str]] | None


def filters(given: Filters) -> list[Wanted]:
    """Return them as the registry takes them. Raises WebserviceException."""
    wanted: list[Wanted] = []
    for each in given or ():
        pair = [each] if isinstance(each, str) else list(each)
        if len(pair) not in (1, 2) or not all(isinstance(part, str) for part in pair):
            raise WebserviceException(f"expected 'key' or ['key', 'value'], found {each!r}")
        wanted.append(pair[0] if len(pair) == 1 else (pair[0], pair[1]))
    return wanted
