"""What a shell offers for the names in a workspace, when a person presses Tab."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from scoredock.errors import ScoredockError

if TYPE_CHECKING:
    from scoredock.versions import VersionStore
    from scoredock.workspace import Workspace

_Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
_Offered = Callable[["Workspace", str], Iterator[str]]


def _services(workspace: "Workspace", _begun: str) -> Iterator[str]:
    from scoredock.webservice.folder import service_names  # for services alone

    yield from service_names(workspace.services)


def _models(workspace: "Workspace", begun: str) -> Iterator[str]:
    yield from _versions(workspace.models, begun)


def _environments(workspace: "Workspace", begun: str) -> Iterator[str]:
    yield from _versions(workspace.environments, begun)


def _versions(store: "VersionStore", begun: str) -> Iterator[str]:
    """Yield names, and behind NAME: its versions. (bash takes the colon for the end of a word.)"""
    name, colon, _ = begun.partition(":")
    if not colon:
        yield from store.names()
    elif name in store.names():
        yield from (f"{name}:{number}" for number in store.numbers(name))


def _complete(offered: _Offered, *, or_path: bool = False) -> _Complete:
    def complete(
        ctx: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from scoredock.workspace import find_workspace  # a start is not worth its time

        names = []
        try:
            workspace = find_workspace(ctx.params.get("workspace"))
            names = [each for each in offered(workspace, incomplete) if each.startswith(incomplete)]
        except (ScoredockError, OSError):
            pass  # a line of its own would stand in the midst of what is being typed
        if or_path and not names:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(name) for name in names]

    return complete


complete_service = _complete(_services)
complete_model = _complete(_models)
complete_environment = _complete(_environments)
complete_model_or_path = _complete(_models, or_path=True)
complete_environment_or_path = _complete(_environments, or_path=True)
