"""The commands, one module for each noun. A command imports what it needs when it runs: ``verify`` starts fast."""
