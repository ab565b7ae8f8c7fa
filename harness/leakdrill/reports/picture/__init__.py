"""A small picture of a timeline, for Markdown, pull requests and chats."""
