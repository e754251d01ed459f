"""Trust: the operator's store of keys, and what their issuers signed since: rotations, revocations, clock resets."""
