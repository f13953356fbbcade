"""Strategies for what people ask for: mostly right, sometimes just over a limit."""

from __future__ import annotations

from hypothesis import strategies as st

ROLE = "arn:aws:iam::123456789012:role/byoa-demo"
NAMES = st.from_regex(r"[a-zA-Z0-9](-?[a-zA-Z0-9]){0,20}", fullmatch=True)
ANY_NAMES = NAMES | NAMES | NAMES | NAMES | st.text(max_size=70)
URIS = st.from_regex(r"s3://[a-z0-9]{3,8}/[a-z0-9/ _.-]{0,20}", fullmatch=True)
FOLDERS = URIS.map(lambda uri: uri.rstrip("/") + "/")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
MAPS = st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True), TEXTS, max_size=5)
TAGS = st.dictionaries(
    st.from_regex(r"[a-zA-Z][\w:/.-]{0,10}", fullmatch=True).filter(
        lambda key: not key.lower().startswith("aws:")
    ),
    st.from_regex(r"[\w .:/=+@-]{0,20}", fullmatch=True),
    max_size=5,
)
TYPES = st.sampled_from(["ml.m5.large", "ml.g5.xlarge", "ml.g4dn.xlarge", "ml.p4d.24xlarge"])
COUNTS = st.integers(1, 5) | st.integers(-1, 200)
SECONDS = st.integers(1, 100_000) | st.integers(-5, 10_000_000)
WORDS = st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=3)
NETWORKS = st.sampled_from([(), (), (), ("subnet-1", "subnet-2")])
GROUPS = st.sampled_from([(), (), (), ("sg-0123456789abcdef0",)])
KEYS = st.sampled_from(
    [None, None, None, "arn:aws:kms:us-east-1:123456789012:key/1234abcd", "a key"]
)
