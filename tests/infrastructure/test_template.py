"""What the template makes: hardened, tagged, without a loop, and what AWS takes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from byoa.plan.infrastructure import FUNCTIONS, ROLES, Infrastructure
from tests.infrastructure.resolved import ACCOUNT, REGION, ROOT, TEMPLATE, Resolved

PLAIN = Resolved()
WHOLE = Resolved(
    TriggerPrefix="incoming/data/", TriggerSuffix="_READY", Schedule="rate(1 day)",
    TriggerImageTag="release", TriggerRepository="cells", SourceArns="arn:aws:s3:::other",
    OtherRepositories=f"arn:aws:ecr:{REGION}:210987654321:repository/base",
)  # fmt: skip
NAMES = Infrastructure(project="cells", account=ACCOUNT, region=REGION)
#: What CloudFormation tags with the stack's tags in vain: it has no Tags.
TAGLESS = {"AWS::S3::BucketPolicy"}


def test_cfn_lint_has_nothing_to_say():
    assert "cfn-lint" not in TEMPLATE.read_text(), "nothing is suppressed"
    words = [
        str(Path(sys.executable).with_name("cfn-lint")),
        "--include-checks",
        "I",
        "--",
        str(TEMPLATE),
    ]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_fits_into_a_request():
    assert len(TEMPLATE.read_bytes()) <= 51_200
    assert TEMPLATE.read_text().isascii()  # CloudFormation keeps nothing else in descriptions


def test_the_names_are_those_that_plan_makes():
    functions = {one["FunctionName"] for one in PLAIN.of_type("AWS::Lambda::Function").values()}
    assert functions == {NAMES.function(kind) for kind in FUNCTIONS}
    roles = {one["RoleName"] for one in PLAIN.of_type("AWS::IAM::Role").values()}
    assert roles == {NAMES.role(kind) for kind in ROLES}
    assert PLAIN.name("Bucket") == NAMES.bucket
    assert PLAIN.name("Repository") == NAMES.repository
    assert PLAIN.name("BuildProject") == NAMES.build_project
    assert PLAIN.ref("Machine") == NAMES.machine_arn
    assert PLAIN.attribute(["Repository", "RepositoryUri"]) == NAMES.image
    assert PLAIN.attribute(["JobRole", "Arn"]) == NAMES.role_arn("jobs")
    for name, one in PLAIN.of_type("AWS::Lambda::Function").items():
        assert PLAIN.attribute([name, "Arn"]) in map(NAMES.function_arn, FUNCTIONS)
        assert one["Handler"].startswith(
            one["FunctionName"].partition("_")[2].replace("-", "_") + ".handler."
        )
        assert one["Runtime"] == "python3.13"


@pytest.mark.parametrize("name", WHOLE.resources)
def test_everything_is_the_projects_by_its_tag(name: str):
    found = WHOLE.resources[name]
    if found["Type"] not in TAGLESS:
        assert found["Properties"]["Tags"] == [{"Key": "byoa:project", "Value": "cells"}]


def test_names_fit_into_64_characters():
    longest = Resolved(Name="byoa-" + "x" * 28)
    assert len(longest.name("Bucket").replace(REGION, "ap-southeast-1")) <= 63
    for name in longest.of_type("AWS::IAM::Role"):
        assert len(longest.name(name).replace(REGION, "ap-southeast-1")) <= 64


def test_the_bucket_is_closed_encrypted_versioned_and_outlives_the_stack():
    bucket, found = PLAIN.resources["Bucket"], PLAIN.resources["Bucket"]["Properties"]
    assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(found["PublicAccessBlockConfiguration"]) == 4
    assert "AES256" in json.dumps(found["BucketEncryption"])
    assert found["VersioningConfiguration"] == {"Status": "Enabled"}
    assert found["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    for name in ("Bucket", "Repository"):
        assert PLAIN.resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert PLAIN.resources[name]["UpdateReplacePolicy"] == "Retain"
    assert bucket["Properties"]["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }
    (statement,) = PLAIN.resources["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [
        f"arn:aws:s3:::{NAMES.bucket}",
        f"arn:aws:s3:::{NAMES.bucket}/*",
    ]


def test_images_are_scanned_encrypted_and_do_not_expire():
    found = PLAIN.resources["Repository"]["Properties"]
    assert found["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert found["EncryptionConfiguration"] == {"EncryptionType": "AES256"}
    (rule,) = json.loads(found["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert rule["selection"]["tagStatus"] == "untagged"


def test_an_image_that_serves_is_kept_when_its_tag_moves_on():
    """A rule that starts on a tag deploys by digest, and the next push takes the tag away."""
    moved = Resolved(TriggerImageTag="latest").resources["Repository"]["Properties"]
    assert "LifecyclePolicy" not in moved


def test_every_log_has_a_group_that_forgets():
    groups = {one["LogGroupName"]: one for one in PLAIN.of_type("AWS::Logs::LogGroup").values()}
    assert {one["RetentionInDays"] for one in groups.values()} == {"30"}
    for one in PLAIN.of_type("AWS::Lambda::Function").values():
        assert one["LoggingConfig"]["LogGroup"] == f"/aws/lambda/{one['FunctionName']}"
        assert one["LoggingConfig"]["LogGroup"] in groups
    build = PLAIN.resources["BuildProject"]["Properties"]["LogsConfig"]["CloudWatchLogs"]
    assert build["GroupName"] in groups
    machine = PLAIN.resources["Machine"]["Properties"]["LoggingConfiguration"]
    arn = machine["Destinations"][0]["CloudWatchLogsLogGroup"]["LogGroupArn"]
    assert arn.partition("log-group:")[2].removesuffix(":*") in groups


def test_the_definitions_holes_are_those_that_are_filled():
    definition = (ROOT / "infrastructure/build-train-deploy.asl.json").read_text()
    holes = set(re.findall(r"\$\{(\w+)\}", definition))
    assert holes == set(PLAIN.resources["Machine"]["Properties"]["DefinitionSubstitutions"])


@pytest.mark.parametrize(
    ("rule", "parameter", "value"),
    [
        ("UploadRule", "TriggerPrefix", "incoming/data/"),
        ("ScheduleRule", "Schedule", "rate(1 day)"),
        ("ImageRule", "TriggerImageTag", "release"),
        ("PushRule", "TriggerRepository", "cells"),
    ],
)
def test_a_trigger_is_there_when_it_is_asked_for(rule: str, parameter: str, value: str):
    assert not PLAIN.of_type("AWS::Events::Rule")
    assert list(Resolved(**{parameter: value}).of_type("AWS::Events::Rule")) == [rule]
    (target,) = WHOLE.resources[rule]["Properties"]["Targets"]
    assert target["Arn"] == NAMES.machine_arn
    assert target["RoleArn"] == NAMES.role_arn("events")
    said = target.get("Input") or target["InputTransformer"]["InputTemplate"]
    assert json.loads(said)["Data"] == f"s3://{NAMES.bucket}/incoming/data/"


def test_an_upload_is_told_by_its_bucket_and_its_name():
    def key(found: Resolved) -> object:
        return found.resources["UploadRule"]["Properties"]["EventPattern"]["detail"]["object"][
            "key"
        ]

    assert key(WHOLE) == [{"wildcard": "incoming/data/*_READY"}]
    assert key(Resolved(TriggerPrefix="incoming/x/")) == [{"prefix": "incoming/x/"}]
    detail = WHOLE.resources["UploadRule"]["Properties"]["EventPattern"]["detail"]
    assert detail["bucket"] == {"name": [NAMES.bucket]}


@pytest.mark.parametrize(
    ("parameter", "right", "wrong"),
    [
        (
            "TriggerPrefix",
            ["", "incoming/", "incoming/a/b"],
            ["models/", "incoming", "in*", "incoming/*"],
        ),
        ("TriggerSuffix", ["", ".csv", "_READY"], ["*", "a\\"]),
        ("Schedule", ["", "rate(1 day)", "cron(0 6 * * ? *)"], ["daily", "rate()"]),
        ("TriggerImageTag", ["", "release", "v1.2"], ["0" * 32, "a b", "-x"]),
        ("Name", ["byoa-cells", "byoa-a-b-1"], ["byoa-", "cells", "byoa-a_b", "byoa-A"]),
        ("AllowedNetworks", ["", "10.0.0.0/8, fd00::/8"], ["10.0.0.0/8;rm", "example.com"]),
    ],
)
def test_parameters_take_what_they_should(parameter: str, right: list[str], wrong: list[str]):
    pattern = PLAIN.document["Parameters"][parameter]["AllowedPattern"]
    assert [one for one in right if not re.fullmatch(pattern, one)] == []
    assert [one for one in wrong if re.fullmatch(pattern, one)] == []
