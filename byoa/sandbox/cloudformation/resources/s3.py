"""S3: buckets with the settings that have a meaning here, and their policies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from byoa.sandbox.cloudformation.kinds import Aws, Kind, Props, as_json, gone, or_else
from byoa.sandbox.state import ACCOUNT

Setting = Callable[[Any, str, Any], None]


def versioning(s3: Any, bucket: str, given: Any) -> None:
    status = (given or {}).get("Status", "Suspended")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def public_access(s3: Any, bucket: str, given: Any) -> None:
    if given:
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=given)
    else:
        s3.delete_public_access_block(Bucket=bucket)


def encryption(s3: Any, bucket: str, given: Any) -> None:
    if not given:
        s3.delete_bucket_encryption(Bucket=bucket)
        return
    rules = [
        {
            "ApplyServerSideEncryptionByDefault": rule.get("ServerSideEncryptionByDefault"),
            "BucketKeyEnabled": rule.get("BucketKeyEnabled", False),
        }
        for rule in given["ServerSideEncryptionConfiguration"]
    ]
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def lifecycle(s3: Any, bucket: str, given: Any) -> None:
    if not given:
        s3.delete_bucket_lifecycle(Bucket=bucket)
        return
    rules = [lifecycle_rule(rule) for rule in given["Rules"]]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})


def lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """CloudFormation spells a rule's parts otherwise than the API."""
    made: dict[str, Any] = {
        "Status": rule["Status"],
        "Filter": {"Prefix": rule.get("Prefix", "")},
    }
    if "Id" in rule:
        made["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": rule["ExpirationInDays"]}
    if "NoncurrentVersionExpiration" in rule:
        made["NoncurrentVersionExpiration"] = dict(rule["NoncurrentVersionExpiration"])
    if "NoncurrentVersionExpirationInDays" in rule:
        days = rule["NoncurrentVersionExpirationInDays"]
        made["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    if "AbortIncompleteMultipartUpload" in rule:
        made["AbortIncompleteMultipartUpload"] = dict(rule["AbortIncompleteMultipartUpload"])
    if "Transitions" in rule:
        made["Transitions"] = [
            {"StorageClass": each["StorageClass"], "Days": each["TransitionInDays"]}
            for each in rule["Transitions"]
        ]
    return made


def notifications(s3: Any, bucket: str, given: Any) -> None:
    """EventBridge alone: what else a bucket may notify is not carried out."""
    bridge = (
        (given or {}).get("EventBridgeConfiguration", {}).get("EventBridgeEnabled", bool(given))
    )
    other = set(given or {}) - {"EventBridgeConfiguration"}
    if other:
        raise ValueError(f"{sorted(other)[0]} of a bucket is not carried out in the sandbox")
    wanted: dict[str, Any] = {"EventBridgeConfiguration": {}} if bridge else {}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wanted)


def cors(s3: Any, bucket: str, given: Any) -> None:
    if not given:
        s3.delete_bucket_cors(Bucket=bucket)
        return
    rules = []
    for rule in given["CorsRules"]:
        renamed = {key: rule[key] for key in ("AllowedHeaders", "AllowedMethods", "AllowedOrigins")
                   if key in rule}  # fmt: skip
        rules.append(renamed | ({"MaxAgeSeconds": rule["MaxAge"]} if "MaxAge" in rule else {}))
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})


def tagging(s3: Any, bucket: str, given: Any) -> None:
    """Past the API: it takes CloudFormation's own tags from CloudFormation alone."""
    from moto.backends import get_backend

    tags = {tag["Key"]: tag["Value"] for tag in given or []}
    get_backend("s3")[ACCOUNT]["aws"].put_bucket_tagging(bucket, tags)


def ownership(s3: Any, bucket: str, given: Any) -> None:
    if given:
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=given)


SETTINGS: dict[str, Setting] = {
    "VersioningConfiguration": versioning,
    "PublicAccessBlockConfiguration": public_access,
    "BucketEncryption": encryption,
    "LifecycleConfiguration": lifecycle,
    "NotificationConfiguration": notifications,
    "CorsConfiguration": cors,
    "OwnershipControls": ownership,
    "Tags": tagging,
}


def create(aws: Aws, name: str, props: Props) -> str:
    s3 = aws.client("s3")
    if aws.region == "us-east-1":
        s3.create_bucket(Bucket=name)
    else:
        where = {"LocationConstraint": aws.region}
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=where)
    with or_else(delete, aws, name, props):
        for key, put in SETTINGS.items():
            if key in props:
                put(s3, name, props[key])
    return name


def update(aws: Aws, name: str, before: Props, after: Props) -> None:
    for key, put in SETTINGS.items():
        if before.get(key) != after.get(key):
            put(aws.client("s3"), name, after.get(key))


def delete(aws: Aws, name: str, props: Props) -> None:
    """A bucket that holds something stays, with S3's words for why."""
    try:
        aws.client("s3").delete_bucket(Bucket=name)
    except Exception as error:
        if not gone(error):
            raise


def attributes(aws: Aws, name: str, props: Props) -> Mapping[str, Any]:
    return {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{aws.region}.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{aws.region}.amazonaws.com",
        "WebsiteURL": f"http://{name}.s3-website-{aws.region}.amazonaws.com",
    }


def live(aws: Aws, name: str, props: Props) -> Props | None:
    s3 = aws.client("s3")
    try:
        s3.head_bucket(Bucket=name)
    except Exception as error:
        if gone(error):
            return None
        raise
    found: dict[str, Any] = {"BucketName": name}
    if "VersioningConfiguration" in props:
        status = s3.get_bucket_versioning(Bucket=name).get("Status", "Suspended")
        found["VersioningConfiguration"] = {"Status": status}
    return found


def put_policy(aws: Aws, name: str, props: Props) -> str:
    document = as_json(props["PolicyDocument"])
    aws.client("s3").put_bucket_policy(Bucket=props["Bucket"], Policy=document)
    return str(props["Bucket"])


def delete_policy(aws: Aws, identity: str, props: Props) -> None:
    try:
        aws.client("s3").delete_bucket_policy(Bucket=identity)
    except Exception as error:
        if not gone(error):
            raise


def change_policy(aws: Aws, identity: str, before: Props, after: Props) -> None:
    put_policy(aws, identity, after)


KINDS = {
    "AWS::S3::Bucket": Kind(
        create,
        delete,
        update,
        attributes,
        live,
        frozenset({"BucketName", *SETTINGS}),
        name="BucketName",
        longest=63,
        lower=True,
    ),
    "AWS::S3::BucketPolicy": Kind(
        put_policy, delete_policy, change_policy, takes=frozenset({"Bucket", "PolicyDocument"})
    ),
}
