"""Which methods of a service make sense in which state."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from scoredock.sdk.errors import WebserviceException

Method = TypeVar("Method", bound=Callable[..., Any])


def allowed_in(*states: str) -> Callable[[Method], Method]:
    """Decorate a method, which in another state raises WebserviceException with the reason."""

    def decorate(method: Method) -> Method:
        @wraps(method)
        def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
            state = self.state
            if state not in states:
                why = f" {self.error}" if state == "failed" and self.error else ""
                raise WebserviceException(
                    f"Cannot call {method.__name__}() when service is {state}.{why}"
                )
            return method(self, *args, **kwargs)

        return checked  # type: ignore[return-value] # wraps() keeps the signature

    return decorate
