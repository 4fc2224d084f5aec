"""The presets quick, base and paper, as YAML files."""
