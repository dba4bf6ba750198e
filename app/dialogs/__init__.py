"""Dialogs that ask or tell: closing, reports of faults, keys, about."""
