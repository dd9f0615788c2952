"""OpenApi: docs/api.yaml as a contract. Each answer is held to it, and it remembers which of its promises were seen kept.

The schemas are read as OpenAPI 3.1 has them, as far as the document uses them, but stricter in one thing: an object whose properties are
named has no others. What a server tells and the document does not name is a fault of one of them.
"""
import json
import re

import yaml

METHODS = ("get", "post", "put", "patch", "delete")
_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


class _Loader(yaml.SafeLoader):
    """A key that stands twice is a mistake, and YAML would keep the last in silence."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        repeated = {str(key) for key in keys if keys.count(key) > 1}
        assert not repeated, f"{node.start_mark}: twice: {repeated}"
        return super().construct_mapping(node, deep)


def _is_of(kind, value):
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, _TYPES[kind])


class OpenApi:
    def __init__(self, path):
        self.document = yaml.load(path.read_text(), _Loader)
        self.operations = {}  # (METHOD, path) → operation
        self.seen = set()     # (METHOD, path, status)
        for path, item in self.document["paths"].items():
            item = self.resolve(item)
            for method in METHODS:
                if method in item:
                    self.operations[method.upper(), path] = item[method]

    def resolve(self, value):
        while isinstance(value, dict) and "$ref" in value:
            found = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            value = found
        return value

    def promises(self):
        """All (METHOD, path, status)."""
        return {(method, path, int(status)) for (method, path), operation in self.operations.items() for status in operation["responses"]}

    def etag_of(self, method, path):
        """Which of components/headers the ETag of its 200 is."""
        return self.resolve(self.operations[method, path]["responses"]["200"])["headers"]["ETag"]["$ref"].rsplit("/", 1)[1]

    def path_of(self, method, target):
        """The documented path of a request's target. One without variables comes before one with."""
        target = target.split("?")[0]
        fits = [path for known, path in self.operations if known == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), target)]
        assert fits, f"{method} {target} is not in the document"
        return min(fits, key=lambda path: path.count("{"))

    def check(self, method, target, status, headers, body):
        """An answer. Fails when the document does not promise it, or promises another."""
        path = self.path_of(method, target)
        where = f"{method} {target}: {status} {body[:300]!r}"
        responses = self.operations[method, path]["responses"]
        assert str(status) in responses, f"{where}: no such status in the document"
        response = self.resolve(responses[str(status)])
        given = {name.lower(): value for name, value in headers.items()}
        for name in response.get("headers", {}):
            if not (name == "ETag" and status == 304):
                assert name.lower() in given, f"{where}: no header {name}"
        if "content" not in response:
            assert body == "", f"{where}: a body, and none is in the document"
        else:
            media = given.get("content-type", "").split(";")[0]
            assert media in response["content"], f"{where}: {media} is not in the document"
            schema = response["content"][media]["schema"]
            self.fits(json.loads(body) if media.endswith("json") else body, schema, where)
        self.seen.add((method, path, status))

    def fits(self, value, schema, where):
        schema = self.resolve(schema)
        if "anyOf" in schema:
            faults = []
            for choice in schema["anyOf"]:
                try:
                    return self.fits(value, choice, where)
                except AssertionError as fault:
                    faults.append(str(fault))
            raise AssertionError(" and ".join(faults))
        if "const" in schema:
            assert value == schema["const"], f"{where}: {value!r} is not {schema['const']!r}"
        if "enum" in schema:
            assert value in schema["enum"], f"{where}: {value!r} is none of {schema['enum']}"
        if "type" in schema:
            kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            assert any(_is_of(kind, value) for kind in kinds), f"{where}: {value!r} is no {' or '.join(kinds)}"
        if isinstance(value, dict):
            self._fits_object(value, schema, where)
        if isinstance(value, list) and "items" in schema:
            for place, item in enumerate(value):
                self.fits(item, schema["items"], f"{where}[{place}]")
        if isinstance(value, str) and "pattern" in schema:
            assert re.search(schema["pattern"], value), f"{where}: {value!r} is not as {schema['pattern']}"
        if isinstance(value, str):
            assert len(value) <= schema.get("maxLength", len(value)), f"{where}: longer than {schema.get('maxLength')}"
        if _is_of("number", value):
            assert schema.get("minimum", value) <= value <= schema.get("maximum", value), f"{where}: {value} is out of its range"

    def _fits_object(self, value, schema, where):
        missing = set(schema.get("required", ())) - set(value)
        assert not missing, f"{where}: {sorted(missing)} missing"
        properties = schema.get("properties")
        if properties is None:
            return
        unknown = set(value) - set(properties)
        assert not unknown or schema.get("additionalProperties"), f"{where}: {sorted(unknown)} not in the document"
        for name, item in value.items():
            if name in properties:
                self.fits(item, properties[name], f"{where}.{name}")
