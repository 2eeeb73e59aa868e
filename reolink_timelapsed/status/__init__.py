"""The flow that tells how it goes, from what lies on disk. Changes nothing."""
