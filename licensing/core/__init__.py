"""The ground floor that all share: errors, files, instants, strict JSON, texts."""
