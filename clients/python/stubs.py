"""Writes what types the generated package has, which its sources say in comments only.

    python3 stubs.py

leaves barong_management/__init__.pyi, for type checkers (PEP 561), and py.typed beside it.
"""

import importlib
import inspect
import re
from pathlib import Path

import barong_management

PLAIN = {"str", "int", "bool", "float", "object", "date", "datetime", "bytes"}
HEAD = """# Made by stubs.py of the generated sources.
from datetime import date, datetime
from typing import Any, Dict, List, Mapping, NoReturn, Optional, Tuple, Union

__version__: str

class Configuration:
    host: str
    access_token: Optional[str]
    verify_ssl: bool
    ssl_ca_cert: Optional[str]
    cert_file: Optional[str]
    key_file: Optional[str]
    proxy: Optional[str]
    retries: Any
    def __init__(self, host: Optional[str] = ..., **options: Any) -> None: ...

class ApiClient:
    configuration: Configuration
    default_headers: Dict[str, str]
    last_response: Any
    def __init__(self, configuration: Optional[Configuration] = ..., **options: Any) -> None: ...
    def set_default_header(self, header_name: str, header_value: str) -> None: ...
    def close(self) -> None: ...
    def request(self, method: str, url: str, **options: Any) -> Any: ...
    NATIVE_TYPES_MAPPING: Dict[str, Any]
    rest_client: Any

class OpenApiException(Exception): ...
class ApiTypeError(OpenApiException, TypeError): ...
class ApiValueError(OpenApiException, ValueError): ...
class ApiKeyError(OpenApiException, KeyError): ...
class ApiAttributeError(OpenApiException, AttributeError): ...

class ApiException(OpenApiException):
    status: Optional[int]
    reason: Optional[str]
    body: Any
    headers: Any
    def __init__(self, status: Optional[int] = ..., reason: Optional[str] = ..., http_resp: Any = ...) -> None: ...
"""


def spelled(name):
    """A type of the generator in Python's own spelling."""
    for pattern, python in (r"list\[(.*)\]$", "List"), (r"dict\(str, (.*)\)$", "Dict[str, {}]"):
        inner = re.match(pattern, name)
        if inner:
            return f"List[{spelled(inner[1])}]" if python == "List" else python.format(spelled(inner[1]))
    return "Any" if name == "object" or name not in PLAIN and not hasattr(barong_management, name) else name


def model(cls):
    source = inspect.getsource(cls)
    # A member that may not be None is checked where it is set; one that is always
    # there has no default in the specification, so that its setter checks it.
    required = {
        name for name in cls.openapi_types
        if re.search(rf"client_side_validation and {name} is None", source)
    }
    members = [
        (name, spelled(kind) if name in required else f"Optional[{spelled(kind)}]", name in required)
        for name, kind in cls.openapi_types.items()
    ]
    yield f"class {cls.__name__}:"
    for name, kind, _ in members:
        yield f"    {name}: {kind}"
    arguments = ["*"] if members else []
    arguments += [f"{name}: {kind}" + ("" if given else " = ...") for name, kind, given in members]
    yield f"    def __init__({', '.join(['self', *arguments])}) -> None: ..."
    yield "    def to_dict(self) -> Dict[str, Any]: ..."


def api(cls):
    yield f"class {cls.__name__}:"
    yield "    def __init__(self, api_client: Optional[ApiClient] = ...) -> None: ..."
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        if name.startswith("_"):
            continue
        text = inspect.getdoc(method)
        parameters = [p for p in inspect.signature(method).parameters.values() if p.kind == p.POSITIONAL_OR_KEYWORD and p.name != "self"]
        arguments = ["self"]
        for parameter in parameters:
            kind = spelled(re.search(rf":type {parameter.name}: ([^,\n]+)", text)[1])
            arguments.append(f"{parameter.name}: {kind}")
        optional = re.findall(r":type (\w+_parameters): ([^,\n]+)", text)
        arguments += [f"{n}: {spelled(k)} = ..." for n, k in optional if n not in {p.name for p in parameters}]
        if name.endswith("_with_http_info"):
            returned = re.search(r":rtype: tuple\((.*), status_code", text)[1]
            returned = f"Tuple[{spelled(returned)}, int, Mapping[str, str]]"
        else:
            returned = spelled(re.search(r":rtype: (\S+)", text)[1])
        options = "*, _request_timeout: Any = ..., _preload_content: bool = ..., _request_auth: Any = ..., async_req: bool = ..."
        if name.endswith("_with_http_info"):
            options += ", _return_http_data_only: bool = ..."
        yield f"    def {name}({', '.join([*arguments, options])}) -> {returned}: ..."


def main():
    importlib.import_module("barong_management.models")
    classes = [c for _, c in inspect.getmembers(barong_management, inspect.isclass)]
    lines = [HEAD]
    for cls in classes:
        if cls.__module__.startswith("barong_management.models."):
            lines += ["", *model(cls)]
        elif cls.__module__.startswith("barong_management.api."):
            lines += ["", *api(cls)]
    folder = Path(barong_management.__file__).parent
    (folder / "__init__.pyi").write_text("\n".join(lines) + "\n")
    (folder / "py.typed").touch()


if __name__ == "__main__":
    main()
