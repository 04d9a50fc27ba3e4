from azureml.contrib.services.aml_request import AMLRequest, rawhttp  # noqa: F401
from azureml.contrib.services.aml_response import AMLResponse

bodies = []


def init():
    pass


@rawhttp
def run(request):
    body = request.get_data()
    bodies.append(body)
    parts = [request.method, request.full_path, request.url, request.host, request.content_type]
    parts += [sorted(request.args.items()), sorted(request.form), sorted(request.cookies)]
    return AMLResponse([str(len(body)), ascii(parts)], 200)
