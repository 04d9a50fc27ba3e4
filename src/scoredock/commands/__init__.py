"""One module for each command: it prints the result, its options are in its signature."""

# Each command's line in `scoredock --help`, by its name, which is that of its module. It stands
# here so that --help, and a command that is run, import no other command.
COMMANDS = {
    "build": "Build the image and print its name.",
    "doctor": "Tell what this machine has and lacks for serving.",
    "down": "Stop the service, in whichever runtime it runs.",
    "logs": "Print what the service has logged.",
    "render": "Render the Dockerfile and conda_dependencies.yml from the spec.",
    "score": "POST FILE to the service and print what it answers.",
    "up": "Build, start the service and return once it answers.",
}
