"""One module a service: KINDS says how each of its types is made, changed and taken away."""
