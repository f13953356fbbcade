"""A module from elsewhere: -d puts its folder beside the script."""


def line(name: str, value: int) -> str:
    return f"{name}: {value}"
