"""The engines over the lake's files, told where their store, their database and their address are: the platform's own
and those that a drill starts beside them differ in nothing else."""
