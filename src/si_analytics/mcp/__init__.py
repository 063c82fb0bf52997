"""Answers an assistant's questions over the Model Context Protocol, from a copy without personal columns."""
