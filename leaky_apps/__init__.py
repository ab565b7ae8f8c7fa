"""Small believable services that leak on purpose."""
