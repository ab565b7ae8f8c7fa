"""The one comment that a pull request or merge request has from us, kept up to date through the API of its host."""
