"""What a container writes: the usage record, its files in the output mount, the body of its usage report."""
