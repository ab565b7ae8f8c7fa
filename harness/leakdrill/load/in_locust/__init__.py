"""Runs inside Locust, under gevent, here or in a worker's container: imports nothing of ours outside this folder."""
