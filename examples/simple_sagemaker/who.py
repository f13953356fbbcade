"""An ordinary script; the few lines about the job are all that it knows of SageMaker."""

import platform

from worker_toolkit import worker_lib

config = worker_lib.WorkerConfig()
print(f"-- host {config.host_rank} of {config.num_nodes}: Python {platform.python_version()}")
print(f"-- {config.num_cpus} CPUs, {config.num_gpus} GPUs")
