"""The log of a container: which of its lines are told, in which form, and where they go."""
