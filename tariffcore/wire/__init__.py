"""Columns of cases and prices as messages of the service, read and written without an object a case.

`stream` is the server's end of a column stream, `messages` the client's; `forms` finds columns in a message.
"""
