"""Does it on AWS: one small module a service, senders and waiters."""
