"""The test bed: real servers, a proxy that breaks connections, and trees of files to move. Knows nothing of haulage."""
