"""Runs inside Locust, under gevent: imports nothing of ours from outside this folder."""
