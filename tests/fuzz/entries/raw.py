from azureml.contrib.services.aml_request import AMLRequest, rawhttp  # noqa: F401
from azureml.contrib.services.aml_response import AMLResponse


def init():
    pass


@rawhttp
def run(request):
    body = request.get_data()
    parts = [request.method, request.url, request.host, request.content_type, request.cookies]
    return AMLResponse({"body": body.hex(), "parts": ascii(parts)}, 200, json_str=True)
