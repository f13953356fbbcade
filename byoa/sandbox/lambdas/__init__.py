"""Lambda: moto keeps the functions, and here they run: AWS's own runtime client in a process."""
