"""The command line: verbs are parsed here, call functions and return exit statuses."""
