"""What never travels with a user's code: caches, environments, and whatever looks like a secret."""

from __future__ import annotations

from fnmatch import fnmatchcase

#: By lower-case name of a file or folder. Left out without a word.
RUBBISH = """
    .git .hg .svn .venv venv .tox .nox __pycache__ *.pyc .mypy_cache .ruff_cache .pytest_cache
    .hypothesis .ipynb_checkpoints node_modules *.egg-info .ds_store .idea .vscode .#*
"""
#: What it looks like, by name. Left out, and said.
SECRETS = {
    "environment variables": ".env .env.*",
    "an SSH key": ".ssh id_rsa* id_dsa* id_ecdsa* id_ed25519*",
    "a key": "*.pem *.key *.p12 *.pfx *.keystore *.kdbx .gnupg",
    "credentials": """
        .aws .boto .kube kubeconfig .docker .netrc .pypirc .npmrc .pgpass .htpasswd
        .git-credentials credentials credentials.* *credentials.json client_secret*.json
        service_account*.json secrets.* *.tfstate *.tfvars
    """,
}
#: Look like secrets and are made to be shared.
HARMLESS = ".env.example .env.sample .env.template *.pub"


def rubbish(name: str) -> bool:
    """Whether a file or folder of that name is a cache, an environment or a history."""
    return matches(name, RUBBISH)


def secret(name: str) -> str | None:
    """What a file or folder of that name looks like, if it looks like a secret."""
    if matches(name, HARMLESS):
        return None
    return next((what for what, names in SECRETS.items() if matches(name, names)), None)


def matches(name: str, patterns: str) -> bool:
    return any(fnmatchcase(name.lower(), pattern) for pattern in patterns.split())
