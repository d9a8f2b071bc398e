"""Clients whose refresh tokens rotate or die young; delegation for listed scopes only."""

STATEMENTS = """
ALTER TABLE client ADD COLUMN rotates INTEGER NOT NULL DEFAULT 0;
UPDATE client SET rotates = 1 WHERE secret = x'';  -- public clients always do
ALTER TABLE client ADD COLUMN testing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE service_account ADD COLUMN scopes TEXT NOT NULL DEFAULT '';  -- '': all there are
"""
