from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.layout import ProjectPlace, bucket_and_key
from byoa.plan.names import BUILD, checked, fitted, job_name, role_name
from byoa.plan.tables import table

SHAPES = table("shapes.json")["sagemaker"]["shapes"]
JOB = SHAPES["TrainingJobName"]["pattern"]
NOW = datetime(2026, 11, 22, 8, 5, tzinfo=timezone.utc)


def test_a_jobs_name_is_task_time_and_chance():
    assert job_name("ex_1", NOW, "1a2b3c") == "ex-1-20261122-080500-1a2b3c"
    elsewhere = NOW.astimezone(timezone(timedelta(hours=9)))
    assert job_name("ex_1", elsewhere, "1a2b3c") == "ex-1-20261122-080500-1a2b3c"


@given(
    st.text(max_size=120),
    st.datetimes(timezones=st.just(timezone.utc), min_value=datetime(1970, 1, 1)),
)
def test_any_task_gives_a_name_that_sagemaker_takes(task: str, now: datetime):
    name = job_name(task, now, "0123abcd")
    assert re.fullmatch(JOB, name)
    assert len(name) <= 63


@given(
    st.lists(
        st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)), max_size=5
    )
)
def test_names_sort_by_time(moments: list[datetime]):
    aware = [moment.replace(tzinfo=timezone.utc, microsecond=0) for moment in moments]
    names = {moment: job_name("task", moment, "00") for moment in aware}
    assert sorted(names, key=names.__getitem__) == sorted(names)


def test_long_tasks_that_begin_alike_stay_apart():
    one, two = fitted("a" * 70 + "1"), fitted("a" * 70 + "2")
    assert one != two
    assert len(one) <= 63
    assert fitted("---") != fitted("___")


@given(st.text(max_size=100), st.integers(8, 63))
def test_fitted_fits(text: str, longest: int):
    assert re.fullmatch(r"[A-Za-z0-9](-*[A-Za-z0-9])*", fitted(text, longest))
    assert len(fitted(text, longest)) <= longest


@pytest.mark.parametrize("name", ["a", "ssm-ex", "ex_3.1", "A" * 100, "1"])
def test_names_of_projects_and_tasks(name: str):
    assert checked(name) == name


@pytest.mark.parametrize(
    "name", ["", "a/b", "../x", "a b", "-a", "a.", ".", "é", "a" * 101, "a\n", "a\x00"]
)
def test_names_that_are_none_are_told_with_one_that_is(name: str):
    with pytest.raises(UsageError) as caught:
        checked(name, "project")
    assert "project name" in str(caught.value)


@given(st.text(max_size=30))
def test_a_checked_name_is_a_folder_of_its_own(name: str):
    try:
        checked(name)
    except UsageError:
        return
    assert "/" not in name and name != ".." and name == name.strip()


@given(st.text(max_size=120))
def test_a_projects_role_has_a_name_that_iam_takes(project: str):
    try:
        name = role_name(checked(project, "project"))
    except UsageError:
        return
    assert re.fullmatch(r"[\w+=,.@-]{1,64}", name)


def test_two_projects_have_two_roles():
    assert role_name("a_b") != role_name("a-b")
    assert role_name("a", BUILD) != role_name("a-build"), "CodeBuild's is no other project's"
    assert role_name("p" * 99 + "1") != role_name("p" * 99 + "2")


def test_where_a_tasks_things_lie():
    task = ProjectPlace("s3://bucket/prefix", "demo").task("t1")
    assert task.output == "s3://bucket/prefix/demo/t1"
    assert task.state == "s3://bucket/prefix/demo/t1/state/"
    assert task.input("data") == "s3://bucket/prefix/demo/t1/input/data/"
    assert task.run(7) == "s3://bucket/prefix/demo/t1/runs/000007.json"
    assert task.source("j") == "s3://bucket/prefix/demo/t1/j/source/"
    assert task.model("j") == "s3://bucket/prefix/demo/t1/j/output/model.tar.gz"
    assert task.result("j") == "s3://bucket/prefix/demo/t1/j/output/output.tar.gz"
    assert ProjectPlace("file:///home/x/storage/", "p").uri == "file:///home/x/storage/p/"


def test_a_place_refuses_names_that_climb():
    with pytest.raises(UsageError):
        ProjectPlace("s3://b", "..").task("x")
    with pytest.raises(UsageError):
        ProjectPlace("s3://b", "p").task("../../other")


@pytest.mark.parametrize(
    ("uri", "halves"),
    [
        ("s3://b", ("b", "")),
        ("s3://b/", ("b", "")),
        ("s3://b/a/b?c#d", ("b", "a/b?c#d")),
        ("s3://b//a", ("b", "/a")),
    ],
)
def test_an_address_in_halves(uri: str, halves: tuple[str, str]):
    assert bucket_and_key(uri) == halves


@pytest.mark.parametrize("uri", ["", "b/a", "s3:/b/a", "s3://", "http://b/a", "file:///x"])
def test_what_is_no_address(uri: str):
    with pytest.raises(UsageError, match="is no address in S3"):
        bucket_and_key(uri)
