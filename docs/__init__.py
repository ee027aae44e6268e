"""The documentation: pages, and the generator of those that are read off the code."""
