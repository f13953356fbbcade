"""AWS's errors as botocore raises them: which situation, what is said, retried or not."""

from __future__ import annotations

import re

import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.advice import explain, for_reason, passes_by, situation, table
from byoa.plan.errors import ByoaError, ServiceError, UsageError

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:training-job/cells"
URL = "https://sagemaker.eu-west-1.amazonaws.com/"


def refused(code, message="", operation="CreateTrainingJob", service="sagemaker", resource=""):
    said = {"Code": code, "Message": message, "Service": service, "Resource": resource}
    return ClientError({"Error": said}, operation)


def denied(action, service, operation, on="*", because="no identity-based policy allows it"):
    return refused(
        "AccessDeniedException",
        f"User: arn:aws:iam::123456789012:user/ada is not authorized to perform: {action} on"
        f" resource: {on} because {because}",
        operation,
        service,
    )


#: (error, situation, retried, words that the sentence must have)
SITUATIONS = [
    (boto.NoCredentialsError(), "no-credentials", False, "aws configure"),
    (
        boto.PartialCredentialsError(provider="env", cred_var="aws_secret_access_key"),
        "partial-credentials", False, "aws_secret_access_key",
    ),
    (boto.ProfileNotFound(profile="work"), "profile-missing", False, "work"),
    (boto.UnauthorizedSSOTokenError(), "sso-expired", False, "aws sso login"),
    (boto.SSOTokenLoadError(error_msg="no file"), "sso-expired", False, "aws sso login"),
    (
        boto.TokenRetrievalError(provider="sso", error_msg="Token has expired"),
        "sso-expired", False, "aws sso login",
    ),
    (
        boto.CredentialRetrievalError(provider="custom-process", error_msg="exit 1"),
        "credentials-unreadable", False, "aws sts get-caller-identity",
    ),
    (boto.NoRegionError(), "no-region", False, "--region"),
    (boto.InvalidRegionError(region_name="eu west"), "bad-region", False, "eu west"),
    (
        refused(
            "ValidationError",
            "Failed to download model data(bucket: b, key: many/rome (2).tar.gz). Please ensure",
            "InvokeEndpoint", "sagemaker-runtime",
        ),
        "no-such-model", False, "no model many/rome (2).tar.gz, or its role",
    ),
    (
        refused("ValidationError", "request is missing a target model header", "InvokeEndpoint"),
        "which-model", False, "--target-model NAME.tar.gz",
    ),
    (
        refused("ValidationError", "x is not a multi-model endpoint and", "InvokeEndpointAsync"),
        "one-model", False, "Leave out --target-model",
    ),
    (refused("OptInRequired", "not subscribed"), "region-not-enabled", False, "--region"),
    (
        refused("RequestTimeTooSkewed", "The difference is too large.", "PutObject", "s3"),
        "clock-skew", False, "clock",
    ),
    (
        refused("SignatureDoesNotMatch", "Signature expired: 2026 is now earlier than 2027"),
        "clock-skew", False, "clock",
    ),
    (
        refused("InvalidSignatureException", "Signature not yet current: 2027 is still later"),
        "clock-skew", False, "clock",
    ),
    (refused("ExpiredTokenException", "The security token is expired"), "expired-token", False, ""),
    (refused("ExpiredToken", "The provided token has expired.", "PutObject", "s3"),
     "expired-token", False, "goes on where it was"),
    (refused("UnrecognizedClientException", "security token is invalid"), "bad-credentials", False,
     "AWS_ACCESS_KEY_ID"),
    (refused("SignatureDoesNotMatch", "The request signature we calculated does not match"),
     "bad-credentials", False, "AWS_SECRET_ACCESS_KEY"),
    (denied("sagemaker:CreateTrainingJob", "sagemaker", "CreateTrainingJob", ARN),
     "access-denied", False, f'"Action": "sagemaker:CreateTrainingJob", "Resource": "{ARN}"'),
    (denied("iam:CreateRole", "iam", "CreateRole", "arn:aws:iam::1:role/byoa-p"),
     "access-denied", False, '"Action": "iam:CreateRole"'),
    (denied("ecr:CreateRepository", "ecr", "CreateRepository"), "access-denied", False,
     "ecr:CreateRepository"),
    (denied("codebuild:StartBuild", "codebuild", "StartBuild"), "access-denied", False,
     "codebuild:StartBuild"),
    (denied("logs:GetLogEvents", "logs", "GetLogEvents"), "access-denied", False,
     "logs:GetLogEvents"),
    (denied("batch:SubmitJob", "batch", "SubmitJob"), "access-denied", False, "batch:SubmitJob"),
    (denied("sagemaker:InvokeEndpoint", "sagemaker-runtime", "InvokeEndpoint"), "access-denied",
     False, "sagemaker:InvokeEndpoint"),
    (refused("AccessDeniedException", "no", "InvokeEndpoint", "sagemaker-runtime"),
     "access-denied", False, "sagemaker:InvokeEndpoint"),
    (refused("AccessDenied", "Access Denied", "PutObject", "s3", "data/cells/a"), "s3-denied",
     False, '"Action": "s3:PutObject", "Resource": "arn:aws:s3:::data/cells/a"'),
    (refused("AccessDenied", "Access Denied", "UploadPart", "s3", "data/a"), "s3-denied", False,
     "s3:PutObject"),
    (refused("403", "Forbidden", "HeadObject", "s3", "data/a"), "s3-denied", False, "s3:GetObject"),
    (refused("AccessDenied", "Access Denied", "ListObjectsV2", "s3", "data"), "s3-denied", False,
     "s3:ListBucket"),
    (refused("403", "Forbidden", "HeadBucket", "s3", "data"), "bucket-of-another", False,
     "another account"),
    (denied("iam:PassRole", "sagemaker", "CreateTrainingJob", "arn:aws:iam::1:role/r"),
     "pass-role", False, '"Action": "iam:PassRole", "Resource": "arn:aws:iam::1:role/r"'),
    (denied("sagemaker:CreateEndpoint", "sagemaker", "CreateEndpoint",
            because="of an explicit deny in a service control policy"), "denied-by-organisation",
     False, "administrator"),
    (refused("AccessDenied", "… not authorized to perform: kms:GenerateDataKey on this resource",
             "PutObject", "s3", "data/a"), "kms-denied", False, "kms:Decrypt"),
    (refused("KMS.DisabledException", "KMS key is disabled", "GetObject", "s3"), "kms-denied",
     False, "enabled"),
    (refused("ValidationException", "Could not assume role arn:aws:iam::1:role/r. Please ensure"
             " that the role exists and allows principal 'sagemaker.amazonaws.com' to assume it."),
     "role-not-assumable", True, "byoa doctor"),
    (refused("InvalidInputException", "CodeBuild is not authorized to perform: sts:AssumeRole on"
             " arn:aws:iam::1:role/b", "CreateProject", "codebuild"), "role-not-assumable", True,
     "CodeBuild cannot take on the role"),
    (refused("NoSuchEntity", "The role with name r cannot be found.", "GetRole", "iam", "r"),
     "role-missing", False, "--role"),
    (refused("ThrottlingException", "Rate exceeded"), "throttled", True, "throttles"),
    (refused("SlowDown", "Please reduce your request rate.", "PutObject", "s3"), "throttled", True,
     "S3 still throttles PutObject"),
    (refused("TooManyRequestsException", "", "BatchGetImage", "ecr"), "throttled", True, "ECR"),
    (refused("CapacityError", "Unable to provision requested ML compute capacity."), "capacity",
     False, "--it A,B"),
    (refused("InsufficientInstanceCapacity", "no capacity"), "capacity", False, "--no_spot"),
    (refused("ResourceLimitExceeded", "The account-level service limit 'ml.p3.2xlarge for spot"
             " training job usage' is 0 Instances, with current utilization of 0 Instances"),
     "instance-quota", False, "'ml.p3.2xlarge for spot training job usage' is 0."),
    (refused("AccountLimitExceededException", "Cannot have more than 1 builds in queue",
             "StartBuild", "codebuild"), "build-quota", False, "--on docker"),
    (refused("LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000", "CreateRole", "iam"),
     "quota", False, "byoa clean"),
    (refused("TooManyBuckets", "more than 100", "CreateBucket", "s3"), "quota", False, "quota"),
    (refused("NoSuchBucket", "The specified bucket does not exist", "ListObjectsV2", "s3", "data"),
     "bucket-missing", False, "There is no bucket data."),
    (refused("PermanentRedirect", "must be addressed using the specified endpoint", "PutObject",
             "s3", "data"), "bucket-elsewhere", False, "another region"),
    (refused("AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting"
             " 'eu-west-1'", "PutObject", "s3", "data"), "bucket-elsewhere", False, "eu-west-1"),
    (refused("BucketAlreadyExists", "", "CreateBucket", "s3", "data"), "bucket-taken", False,
     "--bucket"),
    (refused("InvalidBucketName", "", "CreateBucket", "s3", "My_Data"), "bucket-name", False,
     "My_Data"),
    (refused("OperationAborted", "A conflicting conditional operation", "CreateBucket", "s3", "d"),
     "bucket-busy", True, "minute"),
    (refused("BucketNotEmpty", "", "DeleteBucket", "s3", "d"), "bucket-not-empty", False, "again"),
    (refused("NoSuchKey", "The specified key does not exist.", "GetObject", "s3", "d/k"),
     "object-missing", False, "d/k"),
    (refused("404", "Not Found", "HeadObject", "s3", "d/k"), "object-missing", False, "d/k"),
    (refused("InvalidObjectState", "storage class", "GetObject", "s3", "d/k"), "object-archived",
     False, "restore-object"),
    (refused("ValidationException", 'No S3 objects found under S3 URL "s3://d/x/" given in input'
             " data source."), "data-missing", False, "s3://d/x/"),
    (refused("ValidationException", "Could not find model data at s3://d/model.tar.gz.",
             "CreateModel"), "model-data", False, "s3://d/model.tar.gz"),
    (refused("ValidationException", "Unsupported manifest media type"
             " application/vnd.oci.image.index.v1+json for image x", "CreateModel"),
     "oci-manifest", False, "--provenance=false"),
    (refused("ValidationException", "Requested image 1.dkr.ecr.eu-west-1.amazonaws.com/x:y not"
             " found.", "CreateModel"), "image-missing", False, "byoa build --push"),
    (refused("ValidationException", "The repository of your image does not grant"
             " ecr:BatchGetImage permission", "CreateModel"), "image-pull", False,
     "ecr:BatchGetImage"),
    (refused("ImageNotFoundException", "does not exist", "DescribeImages", "ecr"), "image-missing",
     False, "byoa build --push"),
    (refused("RepositoryNotFoundException", "", "BatchGetImage", "ecr", "cells"),
     "repository-missing", False, "no repository cells"),
    (refused("ImageTagAlreadyExistsException", "tag immutable", "PutImage", "ecr"),
     "tag-immutable", False, "new tag"),
    (refused("ValidationException", "1 validation error detected: Value 'ml.bogus' at"
             " 'resourceConfig.instanceType' failed to satisfy constraint: Member must satisfy enum"
             " value set: [ml.m5.large]"), "instance-type", False, "--instance_type"),
    (refused("ValidationException", "The subnet subnet-1 has insufficient free IP addresses"),
     "subnet-full", False, "another subnet"),
    (refused("ResourceInUse", "Training job names must be unique within an AWS account"),
     "name-in-use", False, "another name"),
    (refused("ValidationException", "Cannot create already existing model x", "CreateModel"),
     "name-in-use", False, "byoa undeploy"),
    (refused("ValidationException", "Cannot update in-progress endpoint x.", "UpdateEndpoint"),
     "endpoint-busy", False, "byoa wait"),
    (refused("ValidationException", "The request was rejected because the training job is in status"
             " Completed.", "StopTrainingJob"), "already-ended", False, "byoa status"),
    (refused("ValidationException", 'Could not find endpoint "x".', "DescribeEndpoint"), "gone",
     False, "deleted it meanwhile"),
    (refused("ResourceNotFoundException", "The specified log group does not exist.",
             "DescribeLogStreams", "logs"), "gone", False, "byoa list"),
    (refused("AccessDeniedException", "Neither the global service principal states.amazonaws.com,"
             " nor the regional one is authorized to assume the provided role.",
             "CreateStateMachine", "stepfunctions"),
     "role-not-assumable", True, "Step Functions cannot take on"),
    (refused("AccessDeniedException", "'arn:aws:iam::1:role/x' is not authorized to create"
             " managed-rule.", "CreateStateMachine", "stepfunctions"), "role-not-assumable", True,
     "managed-rule"),
    (refused("AccessDeniedException", "The state machine IAM Role is not authorized to access the"
             " Log Destination", "CreateStateMachine", "stepfunctions"),
     "role-not-assumable", True, ""),
    (denied("states:StartExecution", "stepfunctions", "StartExecution"), "access-denied", False,
     "You may not do states:StartExecution"),
    (denied("events:PutRule", "events", "PutRule"), "access-denied", False, "events:PutRule"),
    (refused("StateMachineDoesNotExist", "State Machine Does Not Exist: 'arn:x'", "StartExecution",
             "stepfunctions"), "workflow-missing", False, "byoa workflow list"),
    (refused("StateMachineAlreadyExists", "arn:x", "CreateStateMachine", "stepfunctions"),
     "workflow-there", False, "byoa workflow update"),
    (refused("StateMachineDeleting", "arn:x", "StartExecution", "stepfunctions"),
     "workflow-deleting", True, "up to a minute"),
    (refused("ConflictException", "Failed to update", "UpdateStateMachine", "stepfunctions"),
     "workflow-busy", True, "same moment"),
    (refused("ConcurrentModificationException", "Rule x", "PutRule", "events"), "workflow-busy",
     True, "same moment"),
    (refused("InvalidDefinition", "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET'",
             "CreateStateMachine", "stepfunctions"), "workflow-definition", False,
     "byoa workflow export"),
    (refused("InvalidName", "Invalid Name: 'a b'", "StartExecution", "stepfunctions"),
     "workflow-name", False, "80 letters"),
    (refused("InvalidLoggingConfiguration", "Invalid Logging Configuration", "CreateStateMachine",
             "stepfunctions"), "workflow-logging", False, "--log OFF"),
    (refused("ExecutionLimitExceeded", "The maximum number of running executions has been reached",
             "StartExecution", "stepfunctions"), "workflow-quota", False, "quota"),
    (refused("InvalidExecutionInput", "Invalid State Machine Execution Input", "StartExecution",
             "stepfunctions"), "workflow-input", False, "S3"),
    (refused("ExecutionDoesNotExist", "Execution Does Not Exist: 'arn:x'", "DescribeExecution",
             "stepfunctions"), "execution-missing", False, "90 days"),
    (refused("ExecutionAlreadyExists", "Execution Already Exists: 'arn:x'", "StartExecution",
             "stepfunctions"), "execution-there", False, "--name"),
    (refused("ExecutionNotRedrivable", "Execution is SUCCEEDED", "RedriveExecution",
             "stepfunctions"), "execution-final", False, "byoa workflow run"),
    (refused("ModelError", "Received client error (400) from primary", "InvokeEndpoint",
             "sagemaker-runtime"), "model-error", False, "byoa logs"),
    (refused("413", "Request Entity Too Large", "InvokeEndpoint", "sagemaker-runtime"), "payload",
     False, "--async"),
    (refused("ValidationException", "1 validation error detected: x"), "not-valid", False,
     "--dry-run"),
    (boto.ParamValidationError(report="Unknown parameter: x"), "request-shape", False, "--request"),
    (refused("RequestTimeout", "Your socket connection was not read from", "PutObject", "s3"),
     "cut-upload", True, "goes on where it was"),
    (refused("InternalFailure", "", "CreateEndpoint"), "service-error", True, "SageMaker itself"),
    (refused("503", "Service Unavailable", "HeadObject", "s3"), "service-error", True, "S3 itself"),
    (boto.EndpointConnectionError(endpoint_url=URL), "unreachable", True, URL),
    (boto.ConnectTimeoutError(endpoint_url=URL), "unreachable", True, "network"),
    (boto.ProxyConnectionError(proxy_url="http://p:1"), "proxy", True, "NO_PROXY"),
    (boto.SSLError(endpoint_url=URL, error="self-signed"), "tls", True, "AWS_CA_BUNDLE"),
    (boto.ConnectionClosedError(endpoint_url=URL), "cut-connection", True, "nothing half"),
    (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), "cut-connection", True, ""),
    (boto.ResponseStreamingError(error="reset"), "cut-connection", True, ""),
    (boto.ReadTimeoutError(endpoint_url=URL), "slow", True, "--async"),
    (boto.UnknownServiceError(service_name="x", known_service_names="y"), "old-boto3", False,
     "pip install"),
    (boto.WaiterError(name="x", reason="Max attempts exceeded", last_response={}), "wait", False,
     "byoa status"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "name", "retried", "words"), SITUATIONS, ids=[one[1] for one in SITUATIONS]
)
def test_each_situation_has_one_sentence_that_says_what_to_do(error, name, retried, words):
    told = explain(error)
    assert told and situation(error) == name
    assert passes_by(error) is retried
    assert words in str(told)
    assert "\n" not in str(told) and "{" not in re.sub(r'\{"Effect.*?\}', "", str(told))
    assert told.exit_code == (2 if name == "request-shape" else 1)


def test_every_row_has_an_example():
    """What is written in the table and never shown may be wrong."""
    shown = {name for _, name, _, _ in SITUATIONS}
    assert len(shown) >= 25
    assert {row["name"] for row in table()["errors"]} - shown == {"model-not-ready"}


def test_an_endpoint_without_a_model_is_asked_again():
    error = refused("ModelNotReadyException", "loading", "InvokeEndpoint", "sagemaker-runtime")
    assert (situation(error), passes_by(error)) == ("model-not-ready", True)


REASONS = {
    "AlgorithmError: ExecuteUserScriptError, exit code: 137": "ran out of memory",
    "AlgorithmError: CUDA out of memory. Tried to allocate": "smaller batch",
    "AlgorithmError: DataLoader worker is killed by signal: Bus error": "worker processes",
    "AlgorithmError: exec /usr/bin/train: exec format error": "linux/amd64",
    "AlgorithmError: [FATAL tini (7)] exec train failed: Permission denied": "not executable",
    "AlgorithmError: , exit code: 127": "not on PATH",
    "AlgorithmError: ProgramFailed: x.sh ended with exit code 127, exit code: 127": "has not got",
    "AlgorithmError: CUDA driver version is insufficient for CUDA runtime version": "driver",
    "The primary container for production variant x did not pass the ping health check.": "/ping",
    "Failed to extract model data archive": "archive",
    "ClientError: Please use an instance type with more memory, or reduce the size of training"
    " data: No space left on device": "--volume_size",
    "ClientError: Data download failed: AccessDenied (403)": "may not read",
    "ClientError: Cannot pull algorithm container. Either the image does not exist": "pulled",
    "CapacityError: Unable to provision requested ML compute capacity": "--it A,B",
    "MaxRuntimeExceeded": "--max_run_mins",
    "MaxWaitTimeExceeded": "--max_wait_mins",
    "InternalServerError: We encountered an internal error. Please try again.": "same command",
    "ClientError: Something about the network": "could not use",
    "AlgorithmError: ValueError: num_classes is 0, exit code: 1": "log",
}


@pytest.mark.parametrize(("reason", "words"), REASONS.items())
def test_each_reason_of_a_failed_job_says_what_to_do(reason, words):
    assert words in for_reason(reason)


def test_a_reason_that_nobody_knows_has_no_advice():
    assert for_reason("because") == ""


def test_an_error_of_byoa_local_is_explained_as_aws_s():
    error = ServiceError("ValidationException", 'Could not find endpoint "x".', "DescribeEndpoint")
    assert situation(error) == "gone"


def test_an_unknown_code_keeps_aws_s_own_words():
    told = explain(refused("NewException", "something new"))
    assert str(told) == "SageMaker refuses CreateTrainingJob (NewException): something new."


def test_what_is_not_aws_s_is_nobody_s_guess():
    assert explain(ValueError("x")) is None
    assert not passes_by(KeyError("Throttling"))
    said = UsageError("as it is")
    assert explain(said) is said


@given(code=st.text(max_size=30), message=st.text(max_size=300), operation=st.text(max_size=30))
def test_whatever_aws_says_there_is_one_line(code, message, operation):
    told = explain(refused(code, message, operation, "s3", message[:20]))
    assert isinstance(told, ByoaError)
    assert len(str(told).splitlines()) == 1
