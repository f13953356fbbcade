"""What Lambda refuses, and code that comes from S3."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.byoa.sandbox.conftest import Clients, refused
from tests.byoa.sandbox.lambdas.conftest import Make, zipped

Invoke = Callable[..., tuple[Any, str]]
HANDLER = "def handler(event, context): return 'from S3'"


def request(role: str, **more: Any) -> dict[str, Any]:
    return {
        "FunctionName": "refused",
        "Runtime": "python3.13",
        "Role": role,
        "Handler": "handler.handler",
        "Code": {"ZipFile": zipped(handler=HANDLER)},
        **more,
    }


def test_code_from_s3(make: Make, invoke: Invoke, client: Clients, bucket: str) -> None:
    client("s3").put_object(Bucket=bucket, Key="code.zip", Body=zipped(handler=HANDLER))
    name = make("", Code={"S3Bucket": bucket, "S3Key": "code.zip"})
    assert invoke(name) == ("from S3", "")


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (
            {"Environment": {"Variables": {"AWS_REGION": "x", "LAMBDA_TASK_ROOT": "y"}}},
            "Reserved keys used in this request: AWS_REGION, LAMBDA_TASK_ROOT",
        ),
        ({"Environment": {"Variables": {"LONG": "x" * 4096}}}, "exceeded the 4KB limit"),
        ({"Code": {"ZipFile": b"no zip"}}, "Could not unzip uploaded file."),
        ({"Code": {"S3Bucket": "nobodys-bucket", "S3Key": "a"}}, "S3 Error Code: NoSuchBucket"),
        ({"Code": {"S3Bucket": "tests-bucket", "S3Key": "none"}}, "S3 Error Code: NoSuchKey"),
        ({"Code": {"ImageUri": "x"}}, "Please do not provide ImageUri"),
        ({"Runtime": "nodejs22.x"}, "not those of nodejs22.x"),
        ({"Timeout": 901}, "less than or equal to 900"),
        ({"MemorySize": 10241}, "less than or equal to 10240"),
        ({"Role": "arn:aws:iam::123456789012:role/tests"}, "cannot be assumed by Lambda"),
        ({"Runtime": "python9"}, "Member must satisfy enum value set"),
    ],
)
def test_refused(
    more: dict[str, Any], text: str, client: Clients, lambda_role: str, bucket: str, role: str
) -> None:
    code, found = refused(client("lambda").create_function, **request(lambda_role, **more))
    assert code in {"InvalidParameterValueException", "ValidationException"}
    assert text in found


def test_an_update_is_checked_as_well(make: Make, client: Clients) -> None:
    name, functions = make(HANDLER), client("lambda")
    variables = {"Variables": {"AWS_REGION": "x"}}
    update = functions.update_function_configuration
    assert "AWS_REGION" in refused(update, FunctionName=name, Environment=variables)[1]
    assert "cannot be assumed" in refused(
        update, FunctionName=name, Role="arn:aws:iam::123456789012:role/nobody"
    )[1]  # fmt: skip
    code = functions.update_function_code
    assert "Could not unzip" in refused(code, FunctionName=name, ZipFile=b"PK")[1]
    missing = refused(update, FunctionName="nobody", Timeout=5)
    assert missing[0] == "ResourceNotFoundException"


def test_an_archive_that_leads_out_of_its_folder_is_not_unpacked(
    make: Make, invoke: Invoke, client: Clients
) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("handler.py", HANDLER)
        archive.writestr("../../escaped.py", "")
    name = make("", Code={"ZipFile": data.getvalue()})
    code, text = refused(client("lambda").invoke, FunctionName=name)
    assert code == "InvalidZipFileException"
    assert "'../../escaped.py' would land outside" in text


def test_a_layer_is_there_to_import(make: Make, invoke: Invoke, client: Clients) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("python/shared.py", "WORD = 'layered'")
    layer = client("lambda").publish_layer_version(
        LayerName="shared", Content={"ZipFile": data.getvalue()}
    )
    source = "import shared\ndef handler(event, context): return shared.WORD"
    name = make(source, Layers=[layer["LayerVersionArn"]])
    assert invoke(name) == ("layered", "")


def test_by_name_arn_version_and_alias(make: Make, invoke: Invoke, client: Clients) -> None:
    functions, name = client("lambda"), make("def handler(event, context): return 'one'")
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    functions.update_function_code(
        FunctionName=name, ZipFile=zipped(handler="def handler(event, context): return 'two'")
    )
    arn = functions.get_function_configuration(FunctionName=name)["FunctionArn"]
    assert invoke(arn) == ("two", "")
    assert invoke(name, Qualifier=version) == ("one", "")
    assert invoke(f"{name}:live") == ("one", "")
    assert refused(functions.invoke, FunctionName=name, Qualifier="none") == (
        "ResourceNotFoundException",
        f"Function not found: {arn}:none",
    )
