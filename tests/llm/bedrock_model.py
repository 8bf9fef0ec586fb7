"""Bedrock's own service description, as botocore ships it: the judge of what we send."""

import base64
import json
from functools import cache

import botocore.session
from botocore.validate import ParamValidator


@cache
def service():
    """Return the service model of bedrock-runtime."""
    return botocore.session.Session().get_service_model("bedrock-runtime")


def judge(spoken):
    """Check that a request is one that botocore would send; return its parameters with blobs as bytes."""
    operation = "ConverseStream" if spoken.path.endswith(b"/converse-stream") else "Converse"
    shape = service().operation_model(operation).input_shape
    body = json.loads(spoken.body)
    params = {"modelId": "judged.elsewhere-v1:0", **decoded(body, shape)}
    report = ParamValidator().validate(params, shape)
    assert not report.has_errors(), report.generate_report()
    return params


def decoded(value, shape):
    """Return a JSON value with the base64 of blobs as bytes; an unknown member fails."""
    match shape.type_name:
        case "structure" if getattr(shape, "is_document_type", False):
            return value
        case "structure":
            unknown = set(value) - set(shape.members)
            assert not unknown, f"{shape.name} has no {unknown}"
            return {name: decoded(item, shape.members[name]) for name, item in value.items()}
        case "list":
            return [decoded(item, shape.member) for item in value]
        case "map":
            return {name: decoded(item, shape.value) for name, item in value.items()}
        case "blob":
            return base64.b64decode(value, validate=True)
        case "string" if shape.enum:
            assert value in shape.enum, f"{shape.name} has no {value}"
    return value
