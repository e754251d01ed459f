"""What is signed: keys, the envelope, and the documents that travel in it."""
