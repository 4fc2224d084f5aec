"""The options of a run: one dataclass, presets and YAML files."""
