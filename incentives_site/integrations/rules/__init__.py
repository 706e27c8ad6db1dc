"""Decisions about webhooks, from plain data: which address may be called, when to try again, how a message is signed."""
