"""A pipeline to look at: lines for a terminal, pictures, pages. Pure text."""
