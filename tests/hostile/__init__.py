"""Hostile files: a battery of odd and malicious pictures, each made by code, with its expected end."""
