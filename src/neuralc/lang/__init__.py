"""Front ends: texts in, programs out; a folder for each language."""
