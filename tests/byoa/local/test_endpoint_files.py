"""Two who change one endpoint at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from byoa.local import SageMaker
from byoa.local.endpoint_files import EndpointFiles
from byoa.plan.errors import ServiceError


def dead_endpoint(root: Path, name: str = "left") -> EndpointFiles:
    """One whose supervisor is gone."""
    files = EndpointFiles.of(root, name)
    files.folder.mkdir(parents=True)
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{name}"
    files.ask(EndpointName=name, EndpointArn=arn)
    files.tell(EndpointStatus="Creating", Generation=0)
    return files


def test_of_many_wishes_at_once_none_is_lost(tmp_path: Path):
    files = dead_endpoint(tmp_path)

    def ask(number: int) -> None:
        files.ask(**{f"wish-{number}": number})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(60)))
    assert files.wanted["Generation"] == 61
    assert {f"wish-{number}" for number in range(60)} <= set(files.wanted)


def test_of_many_who_delete_it_each_has_an_answer(tmp_path: Path):
    sagemaker = SageMaker(tmp_path)

    def delete(name: str) -> str:
        try:
            sagemaker.delete_endpoint(EndpointName=name)
        except ServiceError as error:
            return str(error.response["Error"]["Code"])
        return "deleted"

    names = [f"left-{number}" for number in range(10)]
    for name in names:
        dead_endpoint(tmp_path, name)
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(delete, names * 8))
    assert set(said) <= {"deleted", "ValidationException"}
    assert said.count("deleted") >= len(names)
    assert list((tmp_path / "endpoints").iterdir()) == []
