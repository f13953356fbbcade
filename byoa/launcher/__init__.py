"""What is packed beside a user's script: it runs in the job, with any Python from 3.6 on."""
