"""Pages that are read off the code, so that they cannot drift: a module for each, all of them pure text."""
