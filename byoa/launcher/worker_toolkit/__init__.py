"""What a script finds out about its job; `from worker_toolkit import worker_lib`."""
