"""From parsed data to the objects of the spec, with each problem at its place."""

from typing import Any, TypeVar

from pydantic import ValidationError

from scoredock.errors import SpecError
from scoredock.problems import first_problem
from scoredock.spec import Origin, Section

AnySection = TypeVar("AnySection", bound=Section)


def validate(model: type[AnySection], data: Any, origin: Origin) -> AnySection:
    """Return `data` as a section; raises SpecError for the first thing that is wrong in it."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        path, message = first_problem(error)
        raise SpecError(message, path=origin.where(path)) from error
