"""The rulebook: rule files, read, checked and ready to be judged."""
