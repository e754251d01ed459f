"""What a site has seen before: read by the verification, written by whoever works with licenses and usage."""
