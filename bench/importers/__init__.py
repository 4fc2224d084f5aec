"""Known datasets, from the files that their owners distribute, as folders of contract section 2."""
