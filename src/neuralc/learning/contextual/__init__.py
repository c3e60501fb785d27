"""Programs that a controller emits: compiled by memorising them, and found again by examples."""
