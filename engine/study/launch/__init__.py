"""Ways to carry out a member: a child process here, a task on Ray, a job on SLURM; all run the same command line."""
