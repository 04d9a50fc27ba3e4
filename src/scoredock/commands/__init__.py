"""One module for each command: it prints the result, its options are in its signature.

Those of `scoredock model` are in two, and print alike with a third.
"""

# Each command's line in `scoredock --help`, by its name, which is that of its module. It stands
# here so that --help, and a command that is run, import no other command.
COMMANDS = {
    "build": "Build the image and print its name.",
    "completion": "Print the script that lets a shell complete commands, options and names.",
    "convert": "Write an environment of any form as the folder that the reference SDK saves.",
    "doctor": "Tell what this machine has and lacks for serving.",
    "down": "Stop the service, in whichever runtime it runs.",
    "environment": "Register environments in the workspace, list, show, download and delete them.",
    "inspect": "Tell what an environment is, what will be made of it and why.",
    "lock": "Write scoredock.lock: exactly what goes into the image.",
    "logs": "Print what the service has logged.",
    "model": "Register models in the workspace, and all that is done with them there.",
    "network": "Print the network settings as variables of the shell, for plain docker compose.",
    "render": "Render the Dockerfile and conda_dependencies.yml from the spec.",
    "run": "Score with the model directly, without Docker and without a port.",
    "score": "POST FILE to the service and print what it answers.",
    "service": "Deploy named services, and update them without a failed request.",
    "shell": "Open a shell, or run one command, in the environment on this machine.",
    "templates": "List, show, compare and override the blocks of the templates.",
    "up": "Build, start the service and return once it answers.",
    "verify": "Tell whether an image is what the spec, the lock and the source make.",
    "workspace": "Make the folder of models, environments and services, or show it.",
}
