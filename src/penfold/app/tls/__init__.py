"""Certificates of a server: found, served, renewed."""
