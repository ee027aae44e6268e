"""Box Notes: documents that only Box can open. Read in both of their forms, and made Word documents (Q14)."""
