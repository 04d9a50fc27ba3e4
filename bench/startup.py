"""Measure the CPU time of starting the kit: `scoredock --help`, and rendering a spec.

Usage: bench/startup.py [--repeat N] [--packages N] [--json]

Each round runs every command once, so that a busy moment of the machine hits all of them; CPU
seconds are user and system time of the command and its children, as the kernel counts them.
`python` is the bare interpreter, which every command pays; `rendering alone` is from reading the
spec to the rendered texts, in a process that has imported all that it takes. The large spec has
--packages pip packages and a quarter as many variables.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KIT = ROOT / ".venv" / "bin" / "scoredock"
PYTHON = ROOT / ".venv" / "bin" / "python"
ALONE = """
import sys, time
from pathlib import Path
from scoredock.formats import read
from scoredock.render import ScoringCode, render
from scoredock.resolve import resolve
from scoredock.templates import load_templates

began = time.process_time()
env, _ = resolve(read(Path(sys.argv[1])).spec)
render(env, ScoringCode(source_name="code", entry_script="score.py"), load_templates())
print(time.process_time() - began)
"""


def main() -> None:
    """Run the rounds and print the table, or JSON."""
    options = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="scoredock-bench-") as scratch:
        commands = commands_to_measure(Path(scratch), options.packages)
        seconds: dict[str, list[float]] = defaultdict(list)
        # The first round is not counted: it reads the files from the disk.
        for number in range(options.repeat + 1):
            for name, command in commands.items():
                spent = cpu_seconds(command)
                if number:
                    seconds[name].append(spent)
    if options.json:
        print(json.dumps(seconds, indent=2))
    else:
        print("\n".join(table(seconds)))


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    usage, _, rest = (__doc__ or "").partition("\n\nUsage: ")
    parser = argparse.ArgumentParser(
        description=usage,
        epilog=rest.partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repeat", type=int, default=15, help="rounds (default: 15)")
    parser.add_argument("--packages", type=int, default=400, help="of the large spec (400)")
    parser.add_argument("--json", action="store_true", help="print every measurement as JSON")
    return parser.parse_args()


def commands_to_measure(scratch: Path, packages: int) -> dict[str, list[str]]:
    """Return the commands by the name of their row; the large spec is written to `scratch`."""
    large = scratch / "large"
    large.mkdir()
    spec = json.dumps(large_spec(packages))
    (large / "azureml_environment.json").write_text(spec, encoding="utf-8")
    render = [str(KIT), "render", "--source", str(ROOT / "examples" / "digits"), "--spec"]
    small = scratch / "digits"
    small.mkdir()
    shutil.copy(ROOT / "docker" / "azureml_environment.json", small)
    output = ["--output", str(scratch / "context")]
    alone = [str(PYTHON), "-c", ALONE]
    return {
        "python": [str(PYTHON), "-c", "pass"],
        "scoredock --help": [str(KIT), "--help"],
        "scoredock render (digits)": [*render, str(small)],
        "scoredock render (large spec)": [*render, str(large)],
        "scoredock render --output (large spec)": [*render, str(large), *output],
        "rendering alone (digits)": [*alone, str(small)],
        "rendering alone (large spec)": [*alone, str(large)],
    }


def large_spec(packages: int) -> dict[str, object]:
    """Return an environment as long as `pip freeze` makes them."""
    pip = [f"package-{number}=={number % 7}.{number % 11}.{number}" for number in range(packages)]
    return {
        "name": "large",
        "version": "1",
        "environmentVariables": {
            f"VARIABLE_{number}": f'value "{number}" of $HOME' for number in range(packages // 4)
        },
        "python": {
            "condaDependencies": {
                "channels": ["conda-forge"],
                "dependencies": ["python=3.10", "pip=23", {"pip": pip}],
            }
        },
    }


def cpu_seconds(command: list[str]) -> float:
    """Run a command to its end and return the CPU seconds it took; ends where it fails.

    One that measures itself prints them.
    """
    # A developer's .env and settings are not what is measured.
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(command, env=kept, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.returncode:
        sys.exit(f"error: {' '.join(command)} ended with {result.returncode}:\n{result.stderr}")
    if ALONE in command:
        return float(result.stdout)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def table(seconds: dict[str, list[float]]) -> list[str]:
    """Return the lines of a Markdown table: the least and the median of each command."""
    lines = ["| command | min | median |", "|---|---|---|"]
    for name, values in seconds.items():
        lines.append(f"| `{name}` | {min(values):.3f} s | {statistics.median(values):.3f} s |")
    return lines


if __name__ == "__main__":
    main()
