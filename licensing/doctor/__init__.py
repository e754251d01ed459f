"""The doctor: what is wrong with a site's mounts and its machine, why it matters, and the command that fixes it."""
