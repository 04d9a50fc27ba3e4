"""run() does what the fuzz has put into `act`, whatever the request's method is."""

from azureml.contrib.services.aml_request import rawhttp

act = None


def init():
    pass


@rawhttp
def run(request):
    return act()
