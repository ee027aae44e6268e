"""A generated organisation: its people and groups, and what they keep in their drives. The same for the same seed."""
