"""Pure functions from a history to a verdict. One claim a function; nothing here touches the world."""
