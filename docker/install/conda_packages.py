"""Solve and install conda packages with py-rattler: no conda program takes part.

A program of its own, started by create_environment.py: py-rattler can abort the interpreter that
runs it. It reads a request from standard input, a JSON object of

    prefix    folder of the new environment
    channels  names, URLs or file:// URLs, the most important first
    packages  match specifications, such as "python=3.11"
    records   the exact packages of a lock, as `list` gets them: nothing is solved; else empty
    list      file that gets the packages that were installed; no URL is in it, because a mirror may
              take a channel's place
    mirrors   what to ask in the place of a channel, URL by URL; credentials are in the file that
              RATTLER_AUTH_FILE names
    cache     folder of downloaded packages and indexes; empty for py-rattler's own

prints a line for each package that it installs, and one line where it cannot. Python 3.8 or newer.
"""

import asyncio
import json
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

import rattler
from masking import hidden
from rattler.exceptions import GatewayError, InstallerError, SolverError
from rattler.networking import AuthenticationMiddleware, Client, MirrorMiddleware

# conda's own list of what the name stands for (conda/base/constants.py, DEFAULT_CHANNELS_UNIX).
DEFAULTS = ["https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r"]
# The oldest Python that uv installs into; older ones need a pip of their own.
UV_PYTHON = "3.8"


async def install(request: Dict[str, Any]) -> None:
    """Make the environment that is asked for."""
    cache = Path(request["cache"]) if request["cache"] else None
    records = locked(request) if request["records"] else await solve(request, cache)
    with open(request["list"], "w", encoding="utf-8") as file:
        json.dump([listed(record, channel_urls(request)) for record in records], file)
    for record in records:
        print(f"Installing {record.name.normalized} {record.version} from {hidden(record.channel)}")
    sys.stdout.flush()
    try:
        await rattler.install(
            records,
            target_prefix=request["prefix"],
            cache_dir=cache and cache / "packages",
            show_progress=False,
            client=client(request),
            # As conda does; what they do stays in the build stage, but for the environment itself.
            execute_link_scripts=True,
        )
    except InstallerError as error:
        what = hidden(str(error).strip().splitlines()[0])
        fail(f"the conda packages could not be installed: {what}: {reason(error)}")


async def solve(request: Dict[str, Any], cache: Optional[Path]) -> List[rattler.RepoDataRecord]:
    """Return the packages to install: those that are asked for and what they need."""
    packages = [rattler.MatchSpec(package, strict=False) for package in request["packages"]]
    channels = [rattler.Channel(name) for name in channel_names(request)]
    gateway = rattler.Gateway(cache_dir=cache and cache / "indexes", client=client(request))
    platforms = [str(rattler.Subdir.current()), "noarch"]
    for channel in channels:
        try:
            await ask(gateway, channel, platforms, packages)
        except GatewayError as error:
            fail(f"the conda channel {hidden(channel.base_url)} does not answer: {reason(error)}")
    arguments = {
        "sources": channels,
        "gateway": gateway,
        "platforms": platforms,
        "virtual_packages": virtual_packages(),
        "channel_priority": rattler.ChannelPriority.Strict,
    }
    try:
        records = await rattler.solve(specs=packages, **arguments)
        if needs_pip(records):
            records = await rattler.solve(specs=[*packages, rattler.MatchSpec("pip")], **arguments)
    except SolverError as error:
        lines = str(error).replace("Cannot solve the request because of: ", "").split()
        fail("the conda packages cannot be had together: " + " ".join(lines))
    return sorted(records, key=lambda record: record.name.normalized)


def client(request: Dict[str, Any]) -> Optional[Client]:
    """Return what asks the mirrors; None, which is py-rattler's own, where there are none."""
    mirrors = {channel: [url] for channel, url in request["mirrors"].items()}
    return Client([MirrorMiddleware(mirrors), AuthenticationMiddleware()]) if mirrors else None


async def ask(
    gateway: rattler.Gateway,
    channel: rattler.Channel,
    platforms: List[str],
    packages: List[rattler.MatchSpec],
) -> None:
    """Get what a channel knows of the packages; it stays in the gateway for the solver."""
    try:
        await gateway.query([channel], platforms, packages, recursive=False)
    except GatewayError as error:
        # The answer of a server that says "not modified" without Last-Modified, as Python's own
        # does: py-rattler 0.28 does not take it for one, and fails.
        if "304 Not Modified" not in str(error):
            raise
        gateway.clear_repodata_cache(channel, clear_disk=True)
        await gateway.query([channel], platforms, packages, recursive=False)


def channel_urls(request: Dict[str, Any]) -> Dict[str, str]:
    """Return where each channel is, by the name that a lock has for it: without credentials."""
    short = {url: "/".join(url.split("/")[-2:]) for url in DEFAULTS}
    return {
        short.get(name, hidden(name)): str(rattler.Channel(name).base_url)
        for name in channel_names(request)
    }


def listed(record: rattler.RepoDataRecord, channels: Dict[str, str]) -> Dict[str, Any]:
    """Return what identifies a package and what its installation has to know."""
    if record.sha256 is None:
        fail(f"{record.file_name} cannot be locked: its channel tells no sha256 of it")
    [channel] = [
        name for name, url in channels.items() if record.url.startswith(url.rstrip("/") + "/")
    ][:1] or [hidden(record.channel)]
    return {
        "name": record.name.normalized,
        "version": str(record.version),
        "build": str(record.build),
        "build_number": record.build_number,
        "channel": channel,
        "subdir": str(record.subdir),
        "file_name": record.file_name,
        "sha256": record.sha256.hex(),
        "depends": list(record.depends),
        **({"noarch": "python"} if record.noarch.python else {}),
        **({"noarch": "generic"} if record.noarch.generic else {}),
        **(
            {"python_site_packages_path": record.python_site_packages_path}
            if record.python_site_packages_path
            else {}
        ),
    }


def locked(request: Dict[str, Any]) -> List[rattler.RepoDataRecord]:
    """Return the packages of a lock, each to be taken from where its channel is now."""
    channels = channel_urls(request)
    records = []
    for each in request["records"]:
        if each["channel"] not in channels:
            fail(
                "the lock takes {name} from the channel {channel}, which is not there".format(
                    **each
                )
            )
        package = rattler.PackageRecord(
            name=each["name"],
            version=each["version"],
            build=rattler.BuildString(each["build"]),
            build_number=each["build_number"],
            subdir=each["subdir"],
            noarch=each.get("noarch"),
            depends=each["depends"],
            sha256=bytes.fromhex(each["sha256"]),
            python_site_packages_path=each.get("python_site_packages_path"),
        )
        base = channels[each["channel"]].rstrip("/")
        url = "/".join([base, each["subdir"], each["file_name"]])
        records.append(rattler.RepoDataRecord(package, each["file_name"], url, base))
    return records


def channel_names(request: Dict[str, Any]) -> List[str]:
    """Return every channel once: those of the spec, then those that stand before a package."""
    qualified = [package.split("::")[0] for package in request["packages"] if "::" in package]
    # As in conda-forge/linux-64::python.
    subdir = re.compile(rf"/(noarch|{rattler.Subdir.current()})$")
    named = [*request["channels"], *(subdir.sub("", name) for name in qualified)]
    names: List[str] = []
    for name in named:
        names += DEFAULTS if name == "defaults" else [] if name == "nodefaults" else [name.strip()]
    return list(dict.fromkeys(names))


def virtual_packages() -> "List[rattler.VirtualPackage]":
    """Return what the machine offers, its processor as the plainest of its kind.

    The image may run on another machine. CONDA_OVERRIDE_GLIBC, _CUDA and _ARCHSPEC change it.
    """
    os.environ.setdefault("CONDA_OVERRIDE_ARCHSPEC", platform.machine())
    return rattler.VirtualPackage.detect(overrides=rattler.VirtualPackageOverrides.from_env())


def needs_pip(records: "List[rattler.RepoDataRecord]") -> bool:
    """Tell whether the pip: section could not be installed: by uv, or by the environment's pip."""
    found = {record.name.normalized: record for record in records}
    python = found.get("python")
    oldest = rattler.Version(UV_PYTHON)
    return python is not None and "pip" not in found and python.version < oldest


def reason(error: Exception) -> str:
    """Return the innermost cause of what py-rattler reports over many lines."""
    lines = str(error).strip().splitlines()
    causes = [line for line in lines if line.startswith("Caused by: ")]
    return hidden((causes or lines[:1])[-1].replace("Caused by: ", ""))


def fail(message: str) -> None:
    print(f"error: {message}", flush=True)
    os._exit(1)


if __name__ == "__main__":
    asyncio.run(install(json.load(sys.stdin)))
    sys.stdout.flush()
    # Ending the ordinary way is when py-rattler may abort.
    os._exit(0)
