"""The sandbox: simulated cloud services on loopback, written from the vendors' documents.

It imports nothing of the rest of Haulage, and only `haulage.cli` imports it: a simulator that shares code with the
client shares its misunderstandings.
"""
