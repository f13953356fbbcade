"""What each kind of task does: one module a kind, `run(task, order)` in the task's process."""
