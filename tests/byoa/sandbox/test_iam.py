"""Trust policies that AWS refuses, and roles that a service may not take on."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.sandbox import iam
from tests.byoa.sandbox.conftest import Clients, refused

GOOD = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def changed(**fields: object) -> str:
    """The good policy with fields of its statement changed, or (None) left out."""
    statement = {**GOOD["Statement"][0], **fields}  # type: ignore[dict-item]
    kept = {name: value for name, value in statement.items() if value is not None}
    return json.dumps({**GOOD, "Statement": [kept]})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "This policy contains invalid Json"),
        ("", "This policy contains invalid Json"),
        ("[]", "Syntax errors in policy."),
        ("{}", "Syntax errors in policy."),
        ('{"Statement": ["x"]}', "Syntax errors in policy."),
        (json.dumps({**GOOD, "Version": "2020-01-01"}), "Policy document must be version"),
        (changed(Principal=None), "Missing required field Principal"),
        (changed(Action=None), "Missing required field Action"),
        (changed(Effect="Maybe"), "Missing required field Effect"),
        (changed(Resource="*"), "Has prohibited field Resource"),
    ],
)
def test_a_bad_trust_policy_is_refused(client: Clients, text: str, said: str):
    assert iam.trust_problem(text).startswith(said)
    if text:
        create = client("iam").create_role
        code, message = refused(create, RoleName="bad", AssumeRolePolicyDocument=text)
        assert code == "MalformedPolicyDocument" and message.startswith(said)


def test_a_good_one_is_taken_and_changed(client: Clients):
    made = client("iam").create_role(RoleName="good", AssumeRolePolicyDocument=json.dumps(GOOD))
    assert made["Role"]["RoleName"] == "good"
    update = client("iam").update_assume_role_policy
    assert refused(update, RoleName="good", PolicyDocument="{")[0] == "MalformedPolicyDocument"
    update(RoleName="good", PolicyDocument=changed(Principal={"Service": "x.amazonaws.com"}))


def test_managed_policies_of_aws_are_there(client: Clients):
    arn = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
    assert client("iam").get_policy(PolicyArn=arn)["Policy"]["Arn"] == arn


@given(st.text())
def test_any_text_is_good_or_told(text: str):
    assert isinstance(iam.trust_problem(text), str)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["Statement", "Effect", "Principal", "Action", "Service"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_any_document_is_good_or_told(document: object):
    problem = iam.trust_problem(json.dumps(document))
    if not problem:
        assert isinstance(document, dict)
        assert iam.trusts(document, "x.amazonaws.com") in {True, False}
