"""The book: contracts, settled months, advances and corrections, in SQLite or PostgreSQL.

Nothing in it is ever changed: a contract has revisions, a settled month has corrections, each an entry of its
own.
"""
