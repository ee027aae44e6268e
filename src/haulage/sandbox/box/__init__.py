"""Box, simulated. Written from the vendor's documents and from what others have seen, not from our own client."""
