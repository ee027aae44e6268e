"""Measures Haulage beside other tools on the same servers: `python -m bench --help`, and README.md for the results."""
