"""BART rows: text-only, multimodal and VG-BART, their pretraining and checkpoints."""
