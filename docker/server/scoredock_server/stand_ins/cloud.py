"""Names that import as usual and explain themselves when they are used: they need Azure."""

from typing import Any

from scoredock_server.stand_ins.packages import add_hint


def needs_cloud(name: str) -> Exception:
    """Return the error for the use of `name`, a UserErrorException."""
    # By its public name and not before it is needed: that module is a stand-in itself.
    from azureml.exceptions import UserErrorException

    return UserErrorException(  # type: ignore[no-any-return]
        "{} needs a workspace in Azure, and this server has none: load the model"
        " from the folder AZUREML_MODEL_DIR or by Model.get_model_path(); or {}".format(
            name, add_hint("azureml-core")
        )
    )


class CloudName:
    """Something that Azure alone can provide: calling it, or what it has, raises the error."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> "CloudName":
        return _attribute(self._name, attribute)

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        """Raise UserErrorException."""
        raise needs_cloud(self._name + "()")

    def __repr__(self) -> str:
        return "<{}: needs Azure>".format(self._name)


class CloudType(type):
    """The type of classes that only Azure makes instances of; for annotations and isinstance()."""

    def __getattr__(cls, attribute: str) -> CloudName:
        return _attribute("{}.{}".format(cls.__module__, cls.__name__), attribute)

    def __call__(cls, *_args: Any, **_kwargs: Any) -> Any:
        """Raise UserErrorException."""
        raise needs_cloud("{}.{}()".format(cls.__module__, cls.__name__))


def cloud_class(name: str) -> CloudType:
    """Return a class that only Azure makes instances of; `name` is its module's and its own."""
    module, _, own = name.rpartition(".")
    return CloudType(own, (), {"__module__": module, "__doc__": "Needs Azure."})


def _attribute(name: str, attribute: str) -> CloudName:
    # What Python and its tools look for: an object that had everything would confuse them.
    if attribute.startswith("_"):
        raise AttributeError(attribute)
    return CloudName("{}.{}".format(name, attribute))
