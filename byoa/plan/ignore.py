"""What never travels with a user's code: caches, environments, and whatever looks like a secret."""

from __future__ import annotations

from fnmatch import fnmatchcase

#: By lower-case name of a file or folder: what it is. Left out without a word.
RUBBISH = (
    ".git", ".hg", ".svn", ".venv", "venv", ".tox", ".nox", "__pycache__", "*.pyc", ".mypy_cache",
    ".ruff_cache", ".pytest_cache", ".hypothesis", ".ipynb_checkpoints", "node_modules",
    "*.egg-info", ".ds_store", ".idea", ".vscode", ".#*",
)  # fmt: skip
#: Left out, and said.
SECRETS = {
    ".env": "environment variables",
    ".env.*": "environment variables",
    ".aws": "AWS credentials",
    ".ssh": "SSH keys",
    ".gnupg": "keys",
    ".kube": "credentials of a cluster",
    ".docker": "credentials of a registry",
    "id_rsa*": "an SSH key",
    "id_dsa*": "an SSH key",
    "id_ecdsa*": "an SSH key",
    "id_ed25519*": "an SSH key",
    "*.pem": "a key",
    "*.key": "a key",
    "*.p12": "a key",
    "*.pfx": "a key",
    "*.keystore": "keys",
    "*.kdbx": "passwords",
    "credentials": "credentials",
    "credentials.*": "credentials",
    "*credentials.json": "credentials",
    "client_secret*.json": "credentials",
    "service_account*.json": "credentials",
    ".netrc": "passwords",
    ".pypirc": "passwords",
    ".npmrc": "passwords",
    ".pgpass": "passwords",
    ".git-credentials": "passwords",
    ".htpasswd": "passwords",
    ".boto": "AWS credentials",
    "*.tfstate": "the state of an infrastructure, with its secrets",
    "*.tfvars": "the secrets of an infrastructure",
    "kubeconfig": "credentials of a cluster",
    "secrets.*": "secrets",
}
#: Look like secrets and are made to be shared.
HARMLESS = (".env.example", ".env.sample", ".env.template", "*.pub")


def rubbish(name: str) -> bool:
    """Whether a file or folder of that name is a cache, an environment or a history."""
    return any(fnmatchcase(name.lower(), pattern) for pattern in RUBBISH)


def secret(name: str) -> str | None:
    """What a file or folder of that name looks like, if it looks like a secret."""
    lower = name.lower()
    if any(fnmatchcase(lower, pattern) for pattern in HARMLESS):
        return None
    return next((what for pattern, what in SECRETS.items() if fnmatchcase(lower, pattern)), None)
