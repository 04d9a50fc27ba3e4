import sys
from typing import Any

import click

from scoredock import locking
from scoredock.deployment import deployment, plan
from scoredock.lock import stale
from scoredock.options import IMAGE, JSON, SPEC, with_options
from scoredock.output import note, print_json, progress, warn


@click.command()
@with_options(SPEC, IMAGE, [JSON])
@click.option("--check", is_flag=True,
              help="Ask nobody and write nothing; exit 4 where the spec, a template or the kit has "
              "moved since the lock was made.")  # fmt: skip
def lock(check: bool, verbose: bool, as_json: bool, **values: Any) -> None:
    """Write scoredock.lock: exactly what goes into the image.

    It lies beside the spec and names the digest of the base image, each conda package and each pip
    package with its hashes. `scoredock build --locked` installs these and asks no solver. Commit
    it; made again while the indexes stand still, it has the same text.
    """
    wanted = deployment(**values)
    planned = plan(wanted, warn=warn, note=note)
    path = locking.lock_file(wanted)
    if check:
        lines = locking.find_moved(wanted, planned)
        if as_json:
            print_json({"lock": str(path), "fresh": not lines, "moved": lines})
        if lines:
            if not as_json:
                print("\n".join(lines))
            sys.stdout.flush()
            raise stale(str(path), lines)
        return
    for line in locking.not_locked(planned):
        warn(line)
    with progress("locking") as report:
        found = locking.make_lock(wanted, planned, report=report, verbose=verbose)
    locking.write_lock(path, found)
    note(f"locked: {len(found.conda)} conda packages, {len(found.pip)} pip packages")
    if as_json:
        print_json({"lock": str(path), "conda": len(found.conda), "pip": len(found.pip)})
    else:
        print(path)
