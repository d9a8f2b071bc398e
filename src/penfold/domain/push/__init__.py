"""Watches, topics and subscriptions."""
